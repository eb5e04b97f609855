// Defines a booking shop that doesn't know Hookgraph: integer and composite keys, enums, and rows whose tenant their children decide.
export const BOOKING_SHOP = `
CREATE TYPE invoice_status AS ENUM ('open', 'paid');
CREATE TABLE organisations (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE TABLE users (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, email text NOT NULL UNIQUE);
CREATE TABLE memberships (
  user_id int NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  organisation_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, organisation_id));
CREATE TABLE spaces (id serial PRIMARY KEY, organisation_id uuid NOT NULL REFERENCES organisations (id), title text NOT NULL,
  deleted_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE slots (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, space_id int NOT NULL REFERENCES spaces (id), starts_at timestamptz NOT NULL);
CREATE TABLE bookings (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, note text);
CREATE TABLE booking_slots (
  booking_id int NOT NULL REFERENCES bookings (id) ON DELETE CASCADE,
  slot_id bigint NOT NULL REFERENCES slots (id),
  price numeric(12, 2) NOT NULL DEFAULT 0,
  PRIMARY KEY (booking_id, slot_id));
CREATE TABLE coupons (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, organisation_id uuid NOT NULL REFERENCES organisations (id), code text NOT NULL, percent numeric(5, 2) NOT NULL);
CREATE TABLE invoices (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, organisation_id uuid NOT NULL REFERENCES organisations (id), status invoice_status NOT NULL DEFAULT 'open');
CREATE TABLE notes_without_key (organisation_id uuid, text text);`;
