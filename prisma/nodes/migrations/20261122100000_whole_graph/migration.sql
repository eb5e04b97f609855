-- The rest of the sample domain: releases and steps, what happens in sessions, calls, environments, integrations.

-- There were no environments yet that these could have named; nobody need hear of it.
SELECT set_config('hookgraph.capture', 'off', true);
UPDATE "scenarios" SET "environment_id" = NULL WHERE "environment_id" IS NOT NULL;
UPDATE "scenario_sessions" SET "environment_id" = NULL WHERE "environment_id" IS NOT NULL;
SELECT set_config('hookgraph.capture', '', true);

-- CreateEnum
CREATE TYPE "scenario_session_part_state" AS ENUM ('STARTED', 'PAUSED', 'COMPLETED');

-- CreateEnum
CREATE TYPE "scenario_session_step_state" AS ENUM ('STARTED', 'COMPLETED');

-- CreateEnum
CREATE TYPE "scenario_step_item_type" AS ENUM ('TEXT', 'NUMBER', 'DATE', 'CHECKBOX', 'MULTIPLE_CHOICE', 'PHOTO', 'VIDEO', 'BARCODE');

-- CreateEnum
CREATE TYPE "call_state" AS ENUM ('STARTED', 'COMPLETED');

-- CreateEnum
CREATE TYPE "call_recording_state" AS ENUM ('STARTED', 'COMPLETED');

-- AlterTable
ALTER TABLE "scenario_sessions" ADD COLUMN "scenario_release_id" UUID;

-- CreateTable
CREATE TABLE "environments" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "environments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "integrations" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "integrations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_releases" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_id" UUID NOT NULL,
    "author_id" UUID,
    "version" INTEGER NOT NULL,
    "type" TEXT,
    "published_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_releases_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_steps" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_release_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "external_data" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_steps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_session_parts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_session_id" UUID NOT NULL,
    "created_by_id" UUID,
    "state" "scenario_session_part_state" NOT NULL DEFAULT 'STARTED',
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "ended_at" TIMESTAMPTZ(3),
    "external_data" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_session_parts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_session_steps" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_session_id" UUID NOT NULL,
    "scenario_session_part_id" UUID,
    "scenario_step_id" UUID,
    "state" "scenario_session_step_state" NOT NULL DEFAULT 'STARTED',
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "completed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_session_steps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_session_events" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_session_id" UUID NOT NULL,
    "scenario_session_step_id" UUID,
    "created_by_id" UUID,
    "photo_id" UUID,
    "type" TEXT NOT NULL,
    "value_type" "scenario_step_item_type",
    "event_data" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_session_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scenario_session_checkboxes" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_session_id" UUID NOT NULL,
    "scenario_session_step_id" UUID,
    "label" TEXT NOT NULL,
    "checked" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "scenario_session_checkboxes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attachments" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "scenario_session_event_id" UUID,
    "name" TEXT,
    "file_name" TEXT NOT NULL,
    "file_content_type" TEXT,
    "file_size" INTEGER,
    "file_url" TEXT NOT NULL,
    "file_updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "attachments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "calls" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "created_by_id" UUID,
    "environment_id" UUID,
    "state" "call_state" NOT NULL DEFAULT 'STARTED',
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "ended_at" TIMESTAMPTZ(3),
    "external_data" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "calls_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "call_recordings" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "call_id" UUID NOT NULL,
    "state" "call_recording_state" NOT NULL DEFAULT 'STARTED',
    "file_url" TEXT,
    "file_size" INTEGER,
    "duration" DOUBLE PRECISION,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "call_recordings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "_call_participants" (
    "A" UUID NOT NULL,
    "B" UUID NOT NULL,

    CONSTRAINT "_call_participants_AB_pkey" PRIMARY KEY ("A","B")
);

-- CreateIndex
CREATE INDEX "environments_organization_id_created_at_id_idx" ON "environments"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "environments_organization_id_updated_at_id_idx" ON "environments"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "integrations_organization_id_created_at_id_idx" ON "integrations"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "integrations_organization_id_updated_at_id_idx" ON "integrations"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_releases_organization_id_created_at_id_idx" ON "scenario_releases"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_releases_organization_id_updated_at_id_idx" ON "scenario_releases"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_releases_author_id_idx" ON "scenario_releases"("author_id");

-- CreateIndex
CREATE UNIQUE INDEX "scenario_releases_scenario_id_version_key" ON "scenario_releases"("scenario_id", "version");

-- CreateIndex
CREATE INDEX "scenario_steps_organization_id_created_at_id_idx" ON "scenario_steps"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_steps_organization_id_updated_at_id_idx" ON "scenario_steps"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_steps_scenario_release_id_position_idx" ON "scenario_steps"("scenario_release_id", "position");

-- CreateIndex
CREATE INDEX "scenario_steps_external_data_idx" ON "scenario_steps" USING GIN ("external_data" jsonb_path_ops);

-- CreateIndex
CREATE INDEX "scenario_session_parts_organization_id_created_at_id_idx" ON "scenario_session_parts"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_parts_organization_id_updated_at_id_idx" ON "scenario_session_parts"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_parts_scenario_session_id_idx" ON "scenario_session_parts"("scenario_session_id");

-- CreateIndex
CREATE INDEX "scenario_session_parts_created_by_id_idx" ON "scenario_session_parts"("created_by_id");

-- CreateIndex
CREATE INDEX "scenario_session_parts_external_data_idx" ON "scenario_session_parts" USING GIN ("external_data" jsonb_path_ops);

-- CreateIndex
CREATE INDEX "scenario_session_steps_organization_id_created_at_id_idx" ON "scenario_session_steps"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_steps_organization_id_updated_at_id_idx" ON "scenario_session_steps"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_steps_scenario_session_id_idx" ON "scenario_session_steps"("scenario_session_id");

-- CreateIndex
CREATE INDEX "scenario_session_steps_scenario_session_part_id_idx" ON "scenario_session_steps"("scenario_session_part_id");

-- CreateIndex
CREATE INDEX "scenario_session_steps_scenario_step_id_idx" ON "scenario_session_steps"("scenario_step_id");

-- CreateIndex
CREATE INDEX "scenario_session_events_organization_id_created_at_id_idx" ON "scenario_session_events"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_events_organization_id_updated_at_id_idx" ON "scenario_session_events"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_events_scenario_session_id_value_type_idx" ON "scenario_session_events"("scenario_session_id", "value_type");

-- CreateIndex
CREATE INDEX "scenario_session_events_scenario_session_step_id_idx" ON "scenario_session_events"("scenario_session_step_id");

-- CreateIndex
CREATE INDEX "scenario_session_events_created_by_id_idx" ON "scenario_session_events"("created_by_id");

-- CreateIndex
CREATE INDEX "scenario_session_events_photo_id_idx" ON "scenario_session_events"("photo_id");

-- CreateIndex
CREATE INDEX "scenario_session_checkboxes_organization_id_created_at_id_idx" ON "scenario_session_checkboxes"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_checkboxes_organization_id_updated_at_id_idx" ON "scenario_session_checkboxes"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_session_checkboxes_scenario_session_id_idx" ON "scenario_session_checkboxes"("scenario_session_id");

-- CreateIndex
CREATE INDEX "scenario_session_checkboxes_scenario_session_step_id_idx" ON "scenario_session_checkboxes"("scenario_session_step_id");

-- CreateIndex
CREATE INDEX "attachments_organization_id_created_at_id_idx" ON "attachments"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "attachments_organization_id_updated_at_id_idx" ON "attachments"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "attachments_scenario_session_event_id_idx" ON "attachments"("scenario_session_event_id");

-- CreateIndex
CREATE INDEX "calls_organization_id_created_at_id_idx" ON "calls"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "calls_organization_id_updated_at_id_idx" ON "calls"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "calls_created_by_id_idx" ON "calls"("created_by_id");

-- CreateIndex
CREATE INDEX "calls_environment_id_idx" ON "calls"("environment_id");

-- CreateIndex
CREATE INDEX "calls_external_data_idx" ON "calls" USING GIN ("external_data" jsonb_path_ops);

-- CreateIndex
CREATE INDEX "call_recordings_organization_id_created_at_id_idx" ON "call_recordings"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "call_recordings_organization_id_updated_at_id_idx" ON "call_recordings"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "call_recordings_call_id_idx" ON "call_recordings"("call_id");

-- CreateIndex
CREATE INDEX "_call_participants_B_index" ON "_call_participants"("B");

-- CreateIndex
CREATE INDEX "groups_organization_id_updated_at_id_idx" ON "groups"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_sessions_organization_id_updated_at_id_idx" ON "scenario_sessions"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenario_sessions_scenario_release_id_idx" ON "scenario_sessions"("scenario_release_id");

-- CreateIndex
CREATE INDEX "scenario_sessions_environment_id_idx" ON "scenario_sessions"("environment_id");

-- CreateIndex
CREATE INDEX "scenario_sessions_external_data_idx" ON "scenario_sessions" USING GIN ("external_data" jsonb_path_ops);

-- CreateIndex
CREATE INDEX "scenarios_organization_id_updated_at_id_idx" ON "scenarios"("organization_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "scenarios_environment_id_idx" ON "scenarios"("environment_id");

-- CreateIndex
CREATE INDEX "users_organization_id_updated_at_id_idx" ON "users"("organization_id", "updated_at", "id");

-- AddForeignKey
ALTER TABLE "scenarios" ADD CONSTRAINT "scenarios_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environments"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_sessions" ADD CONSTRAINT "scenario_sessions_scenario_release_id_fkey" FOREIGN KEY ("scenario_release_id") REFERENCES "scenario_releases"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_sessions" ADD CONSTRAINT "scenario_sessions_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environments"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "environments" ADD CONSTRAINT "environments_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "integrations" ADD CONSTRAINT "integrations_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_releases" ADD CONSTRAINT "scenario_releases_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_releases" ADD CONSTRAINT "scenario_releases_scenario_id_fkey" FOREIGN KEY ("scenario_id") REFERENCES "scenarios"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_releases" ADD CONSTRAINT "scenario_releases_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_steps" ADD CONSTRAINT "scenario_steps_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_steps" ADD CONSTRAINT "scenario_steps_scenario_release_id_fkey" FOREIGN KEY ("scenario_release_id") REFERENCES "scenario_releases"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_parts" ADD CONSTRAINT "scenario_session_parts_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_parts" ADD CONSTRAINT "scenario_session_parts_scenario_session_id_fkey" FOREIGN KEY ("scenario_session_id") REFERENCES "scenario_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_parts" ADD CONSTRAINT "scenario_session_parts_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_steps" ADD CONSTRAINT "scenario_session_steps_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_steps" ADD CONSTRAINT "scenario_session_steps_scenario_session_id_fkey" FOREIGN KEY ("scenario_session_id") REFERENCES "scenario_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_steps" ADD CONSTRAINT "scenario_session_steps_scenario_session_part_id_fkey" FOREIGN KEY ("scenario_session_part_id") REFERENCES "scenario_session_parts"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_steps" ADD CONSTRAINT "scenario_session_steps_scenario_step_id_fkey" FOREIGN KEY ("scenario_step_id") REFERENCES "scenario_steps"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_events" ADD CONSTRAINT "scenario_session_events_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_events" ADD CONSTRAINT "scenario_session_events_scenario_session_id_fkey" FOREIGN KEY ("scenario_session_id") REFERENCES "scenario_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_events" ADD CONSTRAINT "scenario_session_events_scenario_session_step_id_fkey" FOREIGN KEY ("scenario_session_step_id") REFERENCES "scenario_session_steps"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_events" ADD CONSTRAINT "scenario_session_events_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_events" ADD CONSTRAINT "scenario_session_events_photo_id_fkey" FOREIGN KEY ("photo_id") REFERENCES "attachments"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_checkboxes" ADD CONSTRAINT "scenario_session_checkboxes_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_checkboxes" ADD CONSTRAINT "scenario_session_checkboxes_scenario_session_id_fkey" FOREIGN KEY ("scenario_session_id") REFERENCES "scenario_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scenario_session_checkboxes" ADD CONSTRAINT "scenario_session_checkboxes_scenario_session_step_id_fkey" FOREIGN KEY ("scenario_session_step_id") REFERENCES "scenario_session_steps"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_scenario_session_event_id_fkey" FOREIGN KEY ("scenario_session_event_id") REFERENCES "scenario_session_events"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "calls" ADD CONSTRAINT "calls_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "calls" ADD CONSTRAINT "calls_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "calls" ADD CONSTRAINT "calls_environment_id_fkey" FOREIGN KEY ("environment_id") REFERENCES "environments"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "call_recordings" ADD CONSTRAINT "call_recordings_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "call_recordings" ADD CONSTRAINT "call_recordings_call_id_fkey" FOREIGN KEY ("call_id") REFERENCES "calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "_call_participants" ADD CONSTRAINT "_call_participants_A_fkey" FOREIGN KEY ("A") REFERENCES "calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "_call_participants" ADD CONSTRAINT "_call_participants_B_fkey" FOREIGN KEY ("B") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;


