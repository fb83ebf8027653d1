"""A server on this machine that breaks off, changes and refuses."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files:
    """What is served: path to bytes, and how it goes wrong."""

    def __init__(self):
        self.bodies, self.breaks, self.status = {}, {}, {}
        self.kind, self.tag, self.requests = {}, {}, []
        self.addresses = []  # with what comes after the ?
        self.address = ''

    def answer(self, handler):
        path = handler.path.split('?')[0]
        self.addresses.append(handler.path)
        ranged = handler.headers.get('Range', '')
        self.requests.append((path, ranged))
        if path not in self.bodies:
            return handler.send_error(self.status.get(path, 404))
        body, tag = self.bodies[path], self.tag.get(path, '"one"')
        begin = 0
        if ranged and handler.headers.get('If-Range') == tag:
            begin = int(ranged.removeprefix('bytes=').removesuffix('-'))
            handler.send_response(206)
            handler.send_header(
                'Content-Range', f'bytes {begin}-{len(body) - 1}/{len(body)}'
            )
        else:
            handler.send_response(200)
        kind = self.kind.get(path, 'application/octet-stream')
        handler.send_header('Content-Type', kind)
        handler.send_header('ETag', tag)
        handler.send_header('Content-Length', str(len(body) - begin))
        for name, value in self.extra(path).items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == 'HEAD':
            return None
        stops = self.breaks.get(path)
        stop = stops.pop(0) if stops else len(body)
        handler.wfile.write(body[begin:stop])
        return None

    def extra(self, path):
        return {}


@contextmanager
def serving(files):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            files.answer(self)

        do_HEAD = do_GET

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    files.address = f'http://127.0.0.1:{server.server_address[1]}'
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
