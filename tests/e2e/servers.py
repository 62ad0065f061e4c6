# SPDX-License-Identifier: MIT
"""Peers that misbehave on purpose: a token endpoint, a TDS server, and a wire that is cut."""
import contextlib
import datetime
import http.server
import ipaddress
import json
import select
import socket
import ssl
import struct
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority of a test's own, and leaf certificates by it."""

    def __init__(self, directory, name="Test Authority", days=10):
        self.directory = directory
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=None), True)], days)
        self.file = str(directory / "ca.pem")
        with open(self.file, "wb") as out:
            out.write(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, extensions, days=10):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
            .public_key(public_key).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=20))
            .not_valid_after(now + datetime.timedelta(days=days))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, *names, days=10):
        """A server's TLS context with a certificate for the names."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        alternatives = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(subject, key.public_key(), [
            (x509.SubjectAlternativeName(alternatives), False)], days)
        path = self.directory / f"{names[0]}-{days}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@contextlib.contextmanager
def serving(handle):
    """Runs handle(socket) on a thread for each connection to a fresh loopback port; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def one(connection):
        with connection, contextlib.suppress(OSError, ssl.SSLError, EOFError):
            connection.settimeout(20)
            handle(connection)

    def loop():
        while not stop.is_set():
            readable, _, _ = select.select([listener], [], [], 0.05)
            if readable:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


def http_reply(status, body=b"{}", headers=()):
    """A handler's script: answers every request on TLS or plain sockets with the bytes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}",
             "Content-Type: application/json", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def token_endpoint(context, reply, seen=None, delay=0.0):
    """Handler of a TLS token endpoint; reply: bytes, or a function of the request's text."""

    def handle(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = secure.recv(65536)
                if not chunk:
                    return
                request += chunk
            head, body = request.split(b"\r\n\r\n", 1)
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while len(body) < length:
                body += secure.recv(65536)
            if seen is not None:
                seen.append(head + b"\r\n\r\n" + body)
            time.sleep(delay)
            secure.sendall(reply(request) if callable(reply) else reply)

    return handle


def packet(kind, body, status=1):
    return struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body


def read_exactly(read, count):
    data = b""
    while len(data) < count:
        chunk = read(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def read_message(read):
    body = b""
    while True:
        header = read_exactly(read, 8)
        body += read_exactly(read, struct.unpack(">H", header[2:4])[0] - 8)
        if header[1] & 1:
            return header[0], body


def prelogin_reply(encryption=1):
    """PRELOGIN answer: VERSION 12.0.2000, ENCRYPTION, INSTOPT, THREADID, MARS, FEDAUTHREQUIRED."""
    options = [(0, bytes([12, 0, 7, 208, 0, 0])), (1, bytes([encryption])), (2, b"\0"), (3, b""),
               (4, b"\0"), (6, b"\1")]
    offset = len(options) * 5 + 1
    table, data = b"", b""
    for token, value in options:
        table += struct.pack(">BHH", token, offset + len(data), len(value))
        data += value
    return table + b"\xff" + data


class WrappedTls:
    """TLS whose handshake travels in PRELOGIN packets, then raw: TDS 7.4 as a server."""

    def __init__(self, connection, context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.connection = connection
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush_wrapped()
                _, body = read_message(connection.recv)
                self.incoming.write(body)
        self.flush_wrapped()

    def flush_wrapped(self):
        data = self.outgoing.read()
        if data:
            self.connection.sendall(packet(0x12, data))

    def recv(self, count):
        while True:
            try:
                return self.tls.read(count)
            except ssl.SSLWantReadError:
                data = self.connection.recv(65536)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)

    def sendall(self, data):
        self.tls.write(data)
        self.connection.sendall(self.outgoing.read())


def routing_tokens(host, port):
    name = host.encode("utf-16-le")
    value = struct.pack("<BHH", 0, port, len(host)) + name
    body = b"\x14" + struct.pack("<H", len(value)) + value + b"\0\0"
    program = "Microsoft SQL Server".encode("utf-16-le")
    ack = b"\x01\x74\x00\x00\x04" + bytes([len(program) // 2]) + program + b"\x0c\x00\x07\xd0"
    return (b"\xad" + struct.pack("<H", len(ack)) + ack + b"\xe3" + struct.pack("<H", len(body)) + body
            + b"\xae\x02\0\0\0\0\xff" + b"\xfd" + struct.pack("<HHQ", 0, 0, 0))


def tds_server(context, answer):
    """Handler: PRELOGIN, TLS, LOGIN7, then answer(secure, port) decides."""

    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply()))
        secure = WrappedTls(connection, context)
        read_message(secure.recv)
        answer(secure, connection.getsockname()[1])

    return handle


def cutting_wire(target_port, to_client=None, to_server=None):
    """Handler: relays to a port and closes both sides after so many bytes in one direction."""

    def handle(connection):
        with socket.create_connection(("127.0.0.1", target_port)) as upstream:
            left = {connection: to_server, upstream: to_client}
            while True:
                readable, _, _ = select.select([connection, upstream], [], [], 20)
                if not readable:
                    return
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    target = upstream if source is connection else connection
                    limit = left[source]
                    if limit is not None:
                        data = data[:limit]
                        left[source] = limit - len(data)
                    target.sendall(data)
                    if left[source] == 0:
                        return

    return handle


class ShortLived(http.server.BaseHTTPRequestHandler):
    """App Service's identity endpoint, whose tokens live for some seconds."""

    def do_GET(self):
        now = int(time.time())
        server = self.server
        server.requests += 1
        token = server.emulator.signed(server.token, iat=now, nbf=now - 60, exp=now + server.lifetime,
                                       uti=f"request-{server.requests}")
        body = json.dumps({"access_token": token, "expires_on": str(now + server.lifetime),
                           "resource": "https://database.windows.net/", "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def short_lived_tokens(emulator, principal, host, lifetime):
    """Serves the principal's tokens for so many seconds; .variables lead a process there."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ShortLived) as endpoint:
        endpoint.emulator, endpoint.requests, endpoint.lifetime = emulator, 0, lifetime
        endpoint.token = emulator.token(principal, host)
        endpoint.variables = {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{endpoint.server_port}/msi/token"}
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
