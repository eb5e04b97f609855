-- What a token lets its user do, until when, and whether it was taken back.
CREATE TYPE "ApiTokenScope" AS ENUM ('READ', 'MANAGE_WEBHOOKS', 'ADMIN');

-- ADMIN is all that its user may: what a token could do before it had a scope, and what a process of the version before still makes.
ALTER TABLE "api_tokens" ADD COLUMN "scope" "ApiTokenScope" NOT NULL DEFAULT 'ADMIN',
  ADD COLUMN "expires_at" TIMESTAMPTZ(3),
  ADD COLUMN "revoked_at" TIMESTAMPTZ(3);
