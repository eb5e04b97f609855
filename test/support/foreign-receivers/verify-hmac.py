# Receives webhooks as a customer's program does: verifies the HMAC over the raw body, answers 401 on a mismatch.
# Takes the shared secret in argv. Prints its port, then a line of JSON for each request.
import base64, hashlib, hmac, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

secret = sys.argv[1].encode()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        expected = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        verified = hmac.compare_digest(expected, self.headers.get("X-Scope-Hmac-Sha256", ""))
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
