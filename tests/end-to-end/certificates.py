"""Certificates for the tests, compliant with RFC 5280, as required by Python since 3.13."""

import base64
import subprocess


class Certificates:
    """CA certificates, and certificates signed by them, created by the openssl program."""

    def __init__(self, folder):
        self.folder = folder

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _key(self, name):
        self._run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    def authority(self, name):
        self._key(name)
        self._run("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "2",
                  "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", f"{name}.crt")

    def sign(self, authority, name, address="IP:127.0.0.1", usage="serverAuth,clientAuth"):
        self._key(name)
        (self.folder / "extensions").write_text(
            f"subjectAltName={address}\nextendedKeyUsage={usage}\nauthorityKeyIdentifier=keyid\n")
        self._run("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                  "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out", f"{name}.crt")

    def path(self, name):
        return str(self.folder / name)

    def text(self, name):
        return (self.folder / name).read_text()

    def data(self, name):
        return base64.b64encode((self.folder / name).read_bytes()).decode()
