# Answers a before-hook as in Servo's guide: verifies the HMAC-SHA1 over the raw body, cancels requests outside of its hours.
# Takes the shared secret in argv. Prints its port, then a line of JSON for each request.
import hashlib, hmac, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

secret = sys.argv[1]


class Responder(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        signature = str(hmac.new(secret.encode(), body, hashlib.sha1).hexdigest())
        verified = hmac.compare_digest(signature, self.headers.get("x-servo-signature", ""))
        hour = json.loads(body)["hour"] if verified else None
        if not verified:
            self.answer(401, "text/plain", b"")
        elif 0 <= hour < 3:
            self.answer(200, "application/json", b"{}")
        else:
            reason = "Unable to authorize adjustment: only between midnight and 3 am, not at %d." % hour
            media_type = "application/vnd.opsani.servo.errors.CancelEventError+json"
            self.answer(200, media_type, json.dumps({"reason": reason}).encode())
        headers = {name.lower(): value for name, value in self.headers.items()}
        print(json.dumps({"path": self.path, "headers": headers, "body": body.decode(), "verified": verified}), flush=True)

    def answer(self, status, media_type, body):
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Responder)
print(server.server_port, flush=True)
server.serve_forever()
