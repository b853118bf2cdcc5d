# A mutating webhook. Arguments: port, certificate, key, folder.
# The answer to call N is what the folder's file N.json says, `{}` where there is none: {"patch": […], "hold": true}.
# It tells that call N came by the file N.asked; a call to hold is answered once the file N.go is there. A call about a Pod named
# hook-probe is not counted: it is there to see that the API server has heard of this webhook.
import base64, http.server, json, os, ssl, sys, threading, time

port, certificate, key, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
lock, calls = threading.Lock(), 0


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global calls
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        if request.get("name") == "hook-probe":
            call = os.path.join(folder, "probe")
        else:
            with lock:
                call, calls = os.path.join(folder, str(calls)), calls + 1
        answer = json.load(open(call + ".json")) if os.path.exists(call + ".json") else {}
        open(call + ".asked", "w").close()
        while answer.get("hold") and not os.path.exists(call + ".go"):
            time.sleep(0.05)
        response = {"uid": request["uid"], "allowed": True}
        if "patch" in answer:
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(answer["patch"]).encode()).decode()
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
