"""Raw requests and what becomes of each: the corpus of test_api_framing.py.

A case is a name, the bytes of one request, and the statuses of which the answer must have one. What is MALFORMED is
refused with 400, and the connection ends; after what is GOOD it goes on, after what is in LAST it ends. Every
version of libmicrohttpd gives the same."""

import json

from api_peers import CONTAINERS, SPEC

C = CONTAINERS.encode()
BODY = json.dumps({"spec": SPEC}).encode()
JSON = b"Content-Type: application/json"
X = b"Host: x"


def head(*lines, start=b"GET %b/absent HTTP/1.1" % C):
    return b"\r\n".join((start, *lines)) + b"\r\n\r\n"


def post(*lines, body=BODY, query=b""):
    return head(X, JSON, *lines, start=b"POST %b%b HTTP/1.1" % (C, query)) + body


def length(body=BODY):
    return b"Content-Length: %d" % len(body)


def chunks(*parts, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + end


def chunked(body, *lines):
    return post(b"Transfer-Encoding: chunked", *lines, body=body)


def raw(block, start=b"GET %b/absent HTTP/1.1\r\n" % C):
    return start + block


# What stands after the request line, of a GET of something absent (404 when it is taken as well-formed).
GOOD = [
    ("plain", head(X), {404}),
    ("empty Host", head(b"Host:"), {404}),
    ("Host with a port", head(b"Host: a.example:8080"), {404}),
    ("Host is IPv6", head(b"Host: [::1]:8080"), {404}),
    ("no space after the colon", head(b"Host:x"), {404}),
    ("many spaces after the colon", head(b"Host:    x"), {404}),
    ("a tab after the colon", head(b"Host:\tx"), {404}),
    ("names in capitals", head(b"HOST: x", b"ACCEPT: */*"), {404}),
    ("an empty value", head(X, b"X-A:"), {404}),
    ("a tab in a value", head(X, b"X-A: a\tb"), {404}),
    ("UTF-8 in a value", head(X, b"X-A: \xc3\xa4"), {404}),
    ("Latin-1 in a value", head(X, b"X-A: \xe4"), {404}),
    ("a colon in a value", head(X, b"X-A: b:c"), {404}),
    ("the same list header twice", head(X, b"Accept: a/b", b"Accept: c/d"), {404}),
    ("every character of a token", head(X, b"!#$%&'*+-.^_`|~09azAZ: 1"), {404}),
    ("an underscore in a name", head(X, b"X_A: 1"), {404}),
    ("absolute form", head(X, start=b"GET http://x%b/absent HTTP/1.1" % C), {404}),
    ("a query", head(X, start=b"GET %b?max_page_size=1 HTTP/1.1" % C), {200}),
    ("an escaped slash", head(X, start=b"GET %b/a%%2Fb HTTP/1.1" % C), {400}),
    ("an unknown method", head(X, start=b"BREW %b HTTP/1.1" % C), {405}),
    ("a method in small letters", head(X, start=b"get %b HTTP/1.1" % C), {405}),
    ("an empty line before", b"\r\n" + head(X), {404}),
    ("cookies", head(X, b"Cookie: a=b; c=d"), {404}),
    ("cookies of 9 KB", head(X, b"Cookie: a=" + b"c" * 9000), {404}),
    ("two cookie headers", head(X, b"Cookie: a=b", b"Cookie: c=d"), {404}),
    ("GET with a length of 0", head(X, b"Content-Length: 0"), {404}),
    ("GET with a body", head(X, b"Content-Length: 3") + b"abc", {404}),
    ("keep-alive", head(X, b"Connection: keep-alive"), {404}),
    ("a create", post(length(), query=b"?id=a1"), {201}),
    ("a length with zeros before", post(b"Content-Length: 000%d" % len(BODY), query=b"?id=a2"), {201}),
    ("an empty body", post(b"Content-Length: 0", body=b""), {400}),
    ("a body of a wrong type", post(b"Content-Length: 2", body=b"[]"), {400}),
    ("an expectation that is not known", head(X, b"Expect: tea"), {404, 417}),
    ("an Upgrade that is not followed", head(X, b"Upgrade: h2c", b"Connection: Upgrade"), {404}),
    ("TE", head(X, b"TE: trailers"), {404}),
    ("one chunk", chunked(chunks(BODY)), {201}),
    ("three chunks", chunked(chunks(BODY[:7], BODY[7:90], BODY[90:])), {201}),
    ("zeros before a chunk's size", chunked(b"000%x\r\n%b\r\n000\r\n\r\n" % (len(BODY), BODY)), {201}),
    ("a chunk's size in capitals", chunked(b"%X\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)), {201}),
    ("chunk extensions", chunked(b"%x;a=b;c=\"d\"\r\n%b\r\n0;e\r\n\r\n" % (len(BODY), BODY)), {201}),
    ("a trailer", chunked(chunks(BODY, end=b"0\r\nX-Sum: 1\r\n\r\n")), {201}),
    ("trailers that mean nothing there", chunked(chunks(BODY, end=b"0\r\nContent-Length: 9\r\nHost: y\r\n\r\n")), {201}),
    ("Transfer-Encoding in capitals", post(b"TRANSFER-ENCODING: CHUNKED", body=chunks(BODY)), {201}),
    ("no chunk but the last", chunked(b"0\r\n\r\n"), {400}),
]

# Well-formed, and the connection ends after it.
LAST = [
    ("HTTP/1.0", head(start=b"GET %b/absent HTTP/1.0" % C), {404}),
    ("Connection: close", head(X, b"Connection: close"), {404}),
    ("a length of 2^63-1", post(b"Content-Length: 9223372036854775807", body=b""), {413}),
    ("a body that is not allowed to be so large", post(b"Content-Length: 1048577", body=b" " * 1048577), {413}),
    ("a body of 5 MB", post(b"Content-Length: 5000000", body=b" " * 5000000), {413}),
    ("a body of 2 MB that never comes", post(b"Content-Length: 2000000", body=b""), {413}),
    ("a body of 2 MB that ends early", post(b"Content-Length: 2000000", body=b" " * 1000), {413}),
    ("a body of 2 MB where nothing is", head(X, b"Content-Length: 2000000", start=b"POST /absent HTTP/1.1"), {404}),
    ("a chunk of 200 MB", chunked(b"bebc200\r\n"), {413}),
    ("a chunk of 200 MB that begins", chunked(b"bebc200\r\n" + BODY), {413}),
    ("a chunk of 2^63-1", chunked(b"7fffffffffffffff\r\n"), {413}),
    ("a chunk of 2^63", chunked(b"8000000000000000\r\n"), {413}),
    ("a chunk of 2^64-1", chunked(b"ffffffffffffffff\r\n"), {413}),
    ("a chunk of 2^64", chunked(b"10000000000000000\r\n"), {413}),
    ("a chunk of 2^64 and more", chunked(b"123456789abcdef0123456789\r\n"), {413}),
    ("the second chunk is too large", chunked(chunks(BODY, end=b"100000\r\n")), {413}),
    ("chunks that are too large together", chunked(chunks(*[b" " * 100000] * 11)), {413}),
    ("chunks that are too large where nothing is",
     head(X, b"Transfer-Encoding: chunked", start=b"POST /absent HTTP/1.1") + b"bebc200\r\n", {404, 413}),
    ("trailers of 20 KB", chunked(chunks(BODY, end=b"0\r\n" + b"X-A: b\r\n" * 2500 + b"\r\n")), {431}),
    ("many headers of 20 KB together", head(X, *[b"X-A: b"] * 2500), {431}),
    ("many headers of 5 KB together", head(X, *[b"X:"] * 1250), {431}),
    ("cookies of 20 KB", head(X, b"Cookie: a=" + b"c" * 20000), {431}),
    ("cookies of 20 KB in two headers", head(X, *[b"Cookie: a=" + b"c" * 10000] * 2), {431}),
    ("a target of 14 KB", head(X, start=b"GET /%b HTTP/1.1" % (b"a" * 14400)), {414}),
    ("many parameters", head(X, start=b"GET /absent?%b HTTP/1.1" % (b"a&" * 1000)), {414}),
    ("HTTP/2.0", head(X, start=b"GET %b/absent HTTP/2.0" % C), {505}),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
    ("a length of 1 GB", post(b"Content-Length: 1073741824", body=b""), {413}),
    ("headers of 100 KB", head(X, b"X-A: " + b"a" * 100000), {431}),
    ("a target of 100 KB", head(X, start=b"GET /%b HTTP/1.1" % (b"a" * 100000)), {414}),
]

MALFORMED = [
    # the request line
    ("two spaces before the version", head(X, start=b"GET %b/absent  HTTP/1.1" % C)),
    ("two spaces before the target", head(X, start=b"GET  %b/absent HTTP/1.1" % C)),
    ("a space after the version", head(X, start=b"GET %b/absent HTTP/1.1 " % C)),
    ("a word after the version", head(X, start=b"GET %b/absent HTTP/1.1 x" % C)),
    ("a space in the target", head(X, start=b"GET %b/a b HTTP/1.1" % C)),
    ("a tab in the target", head(X, start=b"GET %b/a\tb HTTP/1.1" % C)),
    ("a CR in the target", head(X, start=b"GET %b/a\rb HTTP/1.1" % C)),
    ("a NUL in the target", head(X, start=b"GET %b/a\0b HTTP/1.1" % C)),
    ("a DEL in the target", head(X, start=b"GET %b/a\x7fb HTTP/1.1" % C)),
    ("a fragment", head(X, start=b"GET %b/a#b HTTP/1.1" % C)),
    ("a NUL after the version", head(X, start=b"GET %b/a HTTP/1.1\0" % C)),
    ("a NUL in the method", head(X, start=b"G\0T %b/a HTTP/1.1" % C)),
    ("a method that is no token", head(X, start=b"GE(T %b/a HTTP/1.1" % C)),
    ("a colon in the method", head(X, start=b"GET: %b/a HTTP/1.1" % C)),
    ("a version in small letters", head(X, start=b"GET %b/a http/1.1" % C)),
    ("a version without a digit", head(X, start=b"GET %b/a HTTP/1." % C)),
    ("a version with a comma", head(X, start=b"GET %b/a HTTP/1,1" % C)),
    ("a version of three digits", head(X, start=b"GET %b/a HTTP/1.10" % C)),
    ("a version that is none", head(X, start=b"GET %b/a HTPT/1.1" % C)),
    ("no slash", head(X, start=b"GET absent HTTP/1.1")),
    ("authority form", head(X, start=b"CONNECT x:443 HTTP/1.1")),
    ("an asterisk", head(X, start=b"GET * HTTP/1.1")),
    ("another scheme", head(X, start=b"GET ftp://x/ HTTP/1.1")),
    ("a broken escape", head(X, start=b"GET %b/%%zz HTTP/1.1" % C)),
    ("an escaped NUL", head(X, start=b"GET %b/%%00 HTTP/1.1" % C)),
    ("a request line that ends in LF", raw(b"Host: x\r\n\r\n", b"GET %b/absent HTTP/1.1\n" % C)),
    ("a request line that ends in CR", raw(b"Host: x\r\n\r\n", b"GET %b/absent HTTP/1.1\r" % C)),
    # where the header block ends
    ("a line of ':' first", raw(b": y\r\nHost: x\r\n\r\n")),
    ("a line of ':' last", raw(b"Host: x\r\n: y\r\n\r\n")),
    ("a line of ':' in the middle", raw(b"Host: x\r\n: y\r\nX-A: b\r\n\r\n")),
    ("nothing but ':'", raw(b"Host: x\r\n:\r\n\r\n")),
    ("'::'", raw(b"Host: x\r\n::\r\n\r\n")),
    ("a line that begins with NUL first", raw(b"\0: y\r\nHost: x\r\n\r\n")),
    ("a line that begins with NUL last", raw(b"Host: x\r\n\0: y\r\n\r\n")),
    ("nothing but NUL", raw(b"Host: x\r\n\0\r\n\r\n")),
    ("a NUL and more", raw(b"Host: x\r\n\0X-A: b\r\nX-C: d\r\n\r\n")),
    ("a line without a colon", raw(b"Host: x\r\nX-A\r\n\r\n")),
    ("a line of spaces", raw(b"Host: x\r\n   \r\n\r\n")),
    ("a folded line", raw(b"Host: x\r\nX-A: b\r\n c\r\n\r\n")),
    ("a line folded with a tab", raw(b"Host: x\r\nX-A: b\r\n\tc\r\n\r\n")),
    ("a folded first line", raw(b" X-A: b\r\nHost: x\r\n\r\n")),
    ("a folded last line", raw(b"X-A: b\r\nHost: x\r\n y\r\n\r\n")),
    ("a header line that ends in LF", raw(b"X-A: b\nHost: x\r\n\r\n")),
    ("the last header line ends in LF", raw(b"Host: x\n\r\n")),
    ("the block ends in LF", raw(b"Host: x\r\n\n")),
    ("all lines end in LF", raw(b"Host: x\n\n", b"GET %b/absent HTTP/1.1\n" % C)),
    ("a CR in a value", raw(b"Host: x\r\nX-A: b\rX-C: d\r\n\r\n")),
    ("a CR before CRLF", raw(b"Host: x\r\nX-A: b\r\r\n\r\n")),
    ("lines that end in CR", raw(b"Host: x\rX-A: b\r\r\n\r\n")),
    ("a NUL before a bare LF", raw(b"Host: x\r\nX-A: b\0\nX-C: d\r\n\r\n")),
    ("a NUL before the last bare LF", raw(b"Host: x\0\n\r\n")),
    ("a NUL for a CR in the empty line", raw(b"Host: x\r\n\0\n")),
    ("nothing but ':' and a bare LF", raw(b"Host: x\r\n:\n")),
    ("':' and a bare LF first", raw(b":\nHost: x\r\n\r\n")),
    ("a name that is empty", head(X, b": b")),
    ("only a word", raw(b"\r\n", b"GET\r\n")),
    ("two words", raw(b"\r\n", b"GET /\r\n")),
    ("a space before the method", head(X, start=b" GET %b/absent HTTP/1.1" % C)),
    ("a tab for a space", head(X, start=b"GET\t%b/absent\tHTTP/1.1" % C)),
    ("not HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ("an SSH client", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("an empty line that ends in LF", b"\n" + head(X)),
    ("many empty lines", b"\r\n" * 100 + head(X)),
    # names and values
    ("a space after a name", head(X, b"X-A : b")),
    ("a tab after a name", head(X, b"X-A\t: b")),
    ("a space in a name", head(X, b"X A: b")),
    ("brackets in a name", head(X, b"X(A): b")),
    ("a slash in a name", head(X, b"X/A: b")),
    ("UTF-8 in a name", head(X, b"X-\xc3\xa4: b")),
    ("a NUL in a name", head(X, b"X\0A: b")),
    ("a NUL in a value", head(X, b"X-A: b\0c")),
    ("a NUL after a value", head(X, b"X-A: b\0")),
    ("a NUL and a header in a value", head(X, b"X-A: b\0X-C\0d")),
    ("a control character in a value", head(X, b"X-A: b\x01c")),
    ("an escape in a value", head(X, b"X-A: b\x1bc")),
    ("a DEL in a value", head(X, b"X-A: b\x7fc")),
    ("a vertical tab in a value", head(X, b"X-A: b\x0bc")),
    # Host
    ("no Host", head()),
    ("Host twice", head(X, X)),
    ("two different Hosts", head(X, b"Host: y")),
    ("a space in Host", head(b"Host: x y")),
    ("a path in Host", head(b"Host: x/y")),
    ("a user in Host", head(b"Host: u@x")),
    ("a list in Host", head(b"Host: x\"y")),
    ("UTF-8 in Host", head(b"Host: \xc3\xa4")),
    ("a NUL in Host", head(b"Host: x\0y")),
    # Content-Length
    ("a length that is empty", post(b"Content-Length:")),
    ("a length that is a word", post(b"Content-Length: x")),
    ("a length with a sign", post(b"Content-Length: +%d" % len(BODY))),
    ("a length below 0", post(b"Content-Length: -1")),
    ("a length of -0", post(b"Content-Length: -0")),
    ("a length in hexadecimal", post(b"Content-Length: 0x10")),
    ("a length with a point", post(b"Content-Length: 1.0")),
    ("a length with an exponent", post(b"Content-Length: 1e2")),
    ("a length with a space inside", post(b"Content-Length: 1 1")),
    ("a length with a comma", post(b"Content-Length: 1,1")),
    ("the same length in a list", post(b"Content-Length: %d, %d" % (len(BODY), len(BODY)))),
    ("a length and a semicolon", post(b"Content-Length: 1;")),
    ("a length in quotes", post(b'Content-Length: "1"')),
    ("a length with a NUL inside", post(b"Content-Length: 1\x001")),
    ("a length with a trailing NUL", post(b"Content-Length: %d\0" % len(BODY))),
    ("a length with a vertical tab", post(b"Content-Length: \x0b1")),
    ("a length that is folded", post(b"Content-Length: 1\r\n 1")),
    ("a length on the next line", post(b"Content-Length:\r\n 1")),
    ("two lengths", post(length(), b"Content-Length: 3")),
    ("the same length twice", post(length(), length())),
    ("a length below 0 without a body", post(b"Content-Length: -1", body=b"")),
    # Transfer-Encoding
    ("chunked and a length", post(length(), b"Transfer-Encoding: chunked", body=chunks(BODY))),
    ("a length and chunked", post(b"Transfer-Encoding: chunked", length(), body=chunks(BODY))),
    ("chunked and a length of 0", post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=chunks(BODY))),
    ("chunked twice", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=chunks(BODY))),
    ("chunked twice in a list", post(b"Transfer-Encoding: chunked, chunked", body=chunks(BODY))),
    ("gzip", post(b"Transfer-Encoding: gzip")),
    ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=chunks(BODY))),
    ("chunked, gzip", post(b"Transfer-Encoding: chunked, gzip", body=chunks(BODY))),
    ("identity", post(b"Transfer-Encoding: identity", length())),
    ("identity alone", post(b"Transfer-Encoding: identity")),
    ("xchunked", post(b"Transfer-Encoding: xchunked", body=chunks(BODY))),
    ("chunked in quotes", post(b'Transfer-Encoding: "chunked"', body=chunks(BODY))),
    ("chunked with a parameter", post(b"Transfer-Encoding: chunked;a=b", body=chunks(BODY))),
    ("an empty coding", post(b"Transfer-Encoding:", body=chunks(BODY))),
    ("a comma", post(b"Transfer-Encoding: ,chunked", body=chunks(BODY))),
    ("a vertical tab before chunked", post(b"Transfer-Encoding: \x0bchunked", body=chunks(BODY))),
    ("a NUL after chunked", post(b"Transfer-Encoding: chunked\0", body=chunks(BODY))),
    ("a NUL in chunked", post(b"Transfer-Encoding: chun\0ked", body=chunks(BODY))),
    ("chunked on the next line", post(b"Transfer-Encoding:\r\n chunked", body=chunks(BODY))),
    ("chunked on the next line, and a length", post(length(), b"Transfer-Encoding:\r\n chunked", body=chunks(BODY))),
    ("a space before the colon", post(b"Transfer-Encoding : chunked", body=chunks(BODY))),
    ("chunked in HTTP/1.0",
     head(JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.0" % C) + chunks(BODY)),
    ("a length of 2^63", post(b"Content-Length: 9223372036854775808", body=b"")),
    ("a length of 2^64-1", post(b"Content-Length: 18446744073709551615", body=b"")),
    ("a length of 2^64", post(b"Content-Length: 18446744073709551616", body=b"")),
    ("a length of 40 digits", post(b"Content-Length: " + b"9" * 40, body=b"")),
    # chunks
    ("a chunk without a size", chunked(b"\r\n%b\r\n0\r\n\r\n" % BODY)),
    ("a chunk's size is a word", chunked(b"xyz\r\n%b\r\n0\r\n\r\n" % BODY)),
    ("a chunk's size with 0x", chunked(b"0x%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a chunk's size with a sign", chunked(b"+%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a chunk's size below 0", chunked(b"-1\r\n%b\r\n0\r\n\r\n" % BODY)),
    ("a space before a chunk's size", chunked(b" %x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a chunk that is longer than its size", chunked(b"%x\r\n%bx\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("nothing after a chunk", chunked(b"%x\r\n%b0\r\n\r\n" % (len(BODY), BODY))),
    ("a chunk extension of 20 KB", chunked(b"%x;%b\r\n%b\r\n0\r\n\r\n" % (len(BODY), b"a" * 20480, BODY))),
    ("a trailer that is no header", chunked(chunks(BODY, end=b"0\r\nX-Sum\r\n\r\n"))),
    ("a space after a trailer's name", chunked(chunks(BODY, end=b"0\r\nX-Sum : 1\r\n\r\n"))),
    ("a control character in a trailer", chunked(chunks(BODY, end=b"0\r\nX-Sum: \x01\r\n\r\n"))),
    ("a chunk's size ends in LF", chunked(b"%x\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a chunk ends in LF", chunked(b"%x\r\n%b\n0\r\n\r\n" % (len(BODY), BODY))),
    ("the last chunk ends in LF", chunked(b"%x\r\n%b\r\n0\n\r\n" % (len(BODY), BODY))),
    ("the trailers end in LF", chunked(b"%x\r\n%b\r\n0\r\n\n" % (len(BODY), BODY))),
    ("a trailer ends in LF", chunked(chunks(BODY, end=b"0\r\nX-Sum: 1\n\r\n"))),
    ("a folded trailer", chunked(chunks(BODY, end=b"0\r\nX-Sum: 1\r\n 2\r\n\r\n"))),
    ("a CR in a chunk extension", chunked(b"%x;a\rb\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a NUL in a chunk extension", chunked(b"%x;a\0b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a NUL after a chunk's size", chunked(b"%x\0\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a space after a chunk's size", chunked(b"%x \r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a word after a chunk's size", chunked(b"%x a\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))),
    ("a CR after a chunk", chunked(b"%x\r\n%b\r0\r\n\r\n" % (len(BODY), BODY))),
    # what may be there once
    ("Authorization twice", head(X, b"Authorization: Bearer a", b"Authorization: Bearer b")),
    ("Content-Type twice", post(JSON, length())),
    ("Idempotency-Key twice", post(b"Idempotency-Key: a", b"Idempotency-Key: b", length())),
]
