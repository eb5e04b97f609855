-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "shop";

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "staff";

-- CreateEnum
CREATE TYPE "staff"."role" AS ENUM ('the owner', 'member');

-- CreateEnum
CREATE TYPE "shop"."Mood" AS ENUM ('quiet!', 'LOUD');

-- CreateTable
CREATE TABLE "shop"."spaces" (
    "id" BIGSERIAL NOT NULL,
    "organisation_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "price" DECIMAL(30,10) NOT NULL DEFAULT 0,
    "plan" BYTEA,
    "tags" TEXT[],
    "scores" INTEGER[],
    "mood" "shop"."Mood" NOT NULL DEFAULT 'quiet!',
    "moods" "shop"."Mood"[],
    "settings" JSONB,
    "opens" TIME(3),
    "since" DATE,
    "deleted_at" TIMESTAMPTZ(3),
    "parent_id" BIGINT,

    CONSTRAINT "spaces_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shop"."booking" (
    "space_id" BIGINT NOT NULL,
    "day" DATE NOT NULL,
    "user_id" TEXT,
    "fee" DECIMAL(12,2),

    CONSTRAINT "booking_pkey" PRIMARY KEY ("space_id","day")
);

-- CreateTable
CREATE TABLE "shop"."Note" (
    "id" SERIAL NOT NULL,
    "spaceId" BIGINT NOT NULL,
    "day" DATE NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "Note_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shop"."Label" (
    "id" CHAR(8) NOT NULL,

    CONSTRAINT "Label_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shop"."Address" (
    "space_id" BIGINT NOT NULL,
    "street" TEXT NOT NULL,

    CONSTRAINT "Address_pkey" PRIMARY KEY ("space_id")
);

-- CreateTable
CREATE TABLE "staff"."organisations" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "organisations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "staff"."user" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "order" TEXT,
    "from" TIMESTAMP(3),
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "staff"."Membership" (
    "organisation_id" INTEGER NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" "staff"."role" NOT NULL DEFAULT 'member',

    CONSTRAINT "Membership_pkey" PRIMARY KEY ("organisation_id","user_id")
);

-- CreateTable
CREATE TABLE "shop"."_LabelToSpace" (
    "A" CHAR(8) NOT NULL,
    "B" BIGINT NOT NULL,

    CONSTRAINT "_LabelToSpace_AB_pkey" PRIMARY KEY ("A","B")
);

-- CreateIndex
CREATE UNIQUE INDEX "spaces_organisation_id_name_key" ON "shop"."spaces"("organisation_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "organisations_name_key" ON "staff"."organisations"("name");

-- CreateIndex
CREATE UNIQUE INDEX "user_email_key" ON "staff"."user"("email");

-- CreateIndex
CREATE INDEX "_LabelToSpace_B_index" ON "shop"."_LabelToSpace"("B");

-- AddForeignKey
ALTER TABLE "shop"."spaces" ADD CONSTRAINT "spaces_organisation_id_fkey" FOREIGN KEY ("organisation_id") REFERENCES "staff"."organisations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."spaces" ADD CONSTRAINT "spaces_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "shop"."spaces"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."booking" ADD CONSTRAINT "booking_space_id_fkey" FOREIGN KEY ("space_id") REFERENCES "shop"."spaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."booking" ADD CONSTRAINT "booking_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "staff"."user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."Note" ADD CONSTRAINT "Note_spaceId_day_fkey" FOREIGN KEY ("spaceId", "day") REFERENCES "shop"."booking"("space_id", "day") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."Address" ADD CONSTRAINT "Address_space_id_fkey" FOREIGN KEY ("space_id") REFERENCES "shop"."spaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "staff"."Membership" ADD CONSTRAINT "Membership_organisation_id_fkey" FOREIGN KEY ("organisation_id") REFERENCES "staff"."organisations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "staff"."Membership" ADD CONSTRAINT "Membership_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "staff"."user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."_LabelToSpace" ADD CONSTRAINT "_LabelToSpace_A_fkey" FOREIGN KEY ("A") REFERENCES "shop"."Label"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shop"."_LabelToSpace" ADD CONSTRAINT "_LabelToSpace_B_fkey" FOREIGN KEY ("B") REFERENCES "shop"."spaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;


