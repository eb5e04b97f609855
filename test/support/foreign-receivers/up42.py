# Receives webhooks like UP42's published example: concatenates the values of the headers that signature-input lists, takes all
# text behind the first "=" of signature as the signature, and trusts created, which isn't signed. Reads the envelope's event.
# Unlike the example, also compares the digest with the body, because the signature covers the body only through the digest.
# Takes the secret in argv. Prints its port, then a line of JSON for each request.
import base64, hashlib, hmac, json, re, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

secret = sys.argv[1]


def check(headers, body):
    signature_input = headers["signature-input"]
    signature = bytes(headers["signature"].split("=", 1)[1], "UTF-8")
    created = int(re.search(r"created=(\d{10,20})", signature_input).group(1))
    now = int(time.time())
    assert created <= now and now - created < 300, "too old, or from the future"
    listed = re.search(r"up42-sig=\((.*)\);", signature_input).group(1)
    signed = "".join(headers[name] for name in re.findall(r"[^\"\s]+", listed))
    computed = base64.b64encode(hmac.digest(bytes(secret, "UTF-8"), bytes(signed, "UTF-8"), hashlib.sha256))
    assert hmac.compare_digest(signature, computed), "cannot authenticate"
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert headers["content-digest"] == f"sha-256=:{digest}:", "another body"
    assert json.loads(body)["event"], "no event"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            check(headers, body)
            verified = True
        except (AssertionError, AttributeError, IndexError, KeyError, ValueError):
            verified = False
        self.send_response(200 if verified else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(json.dumps({"path": self.path, "headers": headers, "body": body.decode(), "verified": verified}), flush=True)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
