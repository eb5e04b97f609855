# Receives webhooks as in Scalr's documentation: verifies the hexdigest over the body and the text of Date, with 300 s of skew.
# Takes the signing key in argv. Prints its port, then a line of JSON for each request.
import hmac, json, sys
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

SIGNING_KEY = sys.argv[1].encode()


def validate(headers, body):
    if "X-Signature" not in headers or "Date" not in headers:
        return False
    date = headers["Date"]
    expected = hmac.new(SIGNING_KEY, body + date.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, headers["X-Signature"]):
        return False
    skew = (datetime.now(timezone.utc) - parsedate_to_datetime(date)).total_seconds()
    return abs(skew) < 300


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verified = validate(self.headers, body)
        self.send_response(200 if verified else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()
        headers = {name.lower(): value for name, value in self.headers.items()}
        print(json.dumps({"path": self.path, "headers": headers, "body": body.decode(), "verified": verified}), flush=True)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
