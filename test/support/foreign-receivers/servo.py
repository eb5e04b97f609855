# Receives webhooks and verifies them as Servo's own tests do: by the hexdigest of an HMAC-SHA1 over the body.
# Takes the secret in argv. Prints its port, then a line of JSON for each request.
import hashlib, hmac, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

secret = sys.argv[1]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signature = str(hmac.new(secret.encode(), body, hashlib.sha1).hexdigest())
        verified = self.headers.get("x-servo-signature") == signature
        self.send_response(200 if verified else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        headers = {name.lower(): value for name, value in self.headers.items()}
        print(json.dumps({"path": self.path, "headers": headers, "body": body.decode(), "verified": verified}), flush=True)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
