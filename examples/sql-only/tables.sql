-- A warehouse that knows nothing of Hookgraph.
CREATE TYPE order_status AS ENUM ('open', 'paid', 'shipped');
CREATE TABLE shops (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name text NOT NULL);
CREATE TABLE staff (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, shop_id int NOT NULL REFERENCES shops, name text NOT NULL,
  api_key text NOT NULL UNIQUE, may_manage boolean NOT NULL DEFAULT false);
CREATE TABLE products (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, shop_id int NOT NULL REFERENCES shops, name text NOT NULL,
  price numeric(12, 2) NOT NULL, purchase_price numeric(12, 2));
CREATE TABLE orders (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, shop_id int NOT NULL REFERENCES shops,
  status order_status NOT NULL DEFAULT 'open', created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE order_lines (order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE, product_id int NOT NULL REFERENCES products,
  quantity int NOT NULL, PRIMARY KEY (order_id, product_id));
INSERT INTO shops (name) VALUES ('Acme'), ('Other');
INSERT INTO staff (shop_id, name, api_key, may_manage) VALUES (1, 'Ada', 'key-of-ada', true), (2, 'Eve', 'key-of-eve', true);
INSERT INTO products (shop_id, name, price, purchase_price) VALUES (1, 'Lamp', 49.90, 20), (2, 'Chair', 80, 30);
