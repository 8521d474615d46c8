#!/usr/bin/env bash
# Fails on an include that goes up or sideways: process -> kube -> adapters -> services -> base, never between processes;
# and on a foreign library's header that is included in more than its one place.
set -euo pipefail

cd "$(dirname "$0")/../.."
bad=0

complain() {
    echo "layers: $*" >&2
    bad=1
}

# Which folders the files of a folder may include from, beside their own.
allowed() {
    case $1 in
        common/base) echo "" ;;
        common/services) echo "common/base common" ;;
        common/adapters) echo "common/base common/services common" ;;
        common/kube) echo "common/base common/services common/adapters common" ;;
        common) echo "common/base" ;;
        tests/*) echo "ANY" ;;
        *) echo "common/base common/services common/adapters common/kube common" ;;
    esac
}

while IFS=: read -r file include; do
    from=$(dirname "$file")
    to=$(dirname "$include")
    may=$(allowed "$from")
    [ "$may" = ANY ] || [ "$from" = "$to" ] || [[ " $may " == *" $to "* ]] || complain "$file includes $include"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
    xargs grep -Ho '^#include "[^"]*"' | sed 's/#include "\(.*\)"/\1/')

# Header and the only file that may include it (outside tests).
while read -r header place; do
    while read -r file; do
        [ "$file" = "$place" ] || complain "$file includes <$header>; only $place may"
    done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' ':!tests' | xargs grep -l "^#include <$header")
done <<'LIST'
nats/nats.h common/adapters/bus_private.h
curl/curl.h common/adapters/http_client.c
openssl/evp.h common/adapters/crypto.c
openssl/rand.h common/adapters/crypto.c
openssl/pem.h common/adapters/pem.c
yaml.h common/services/yaml.c
cjson/cJSON.h common/services/json.h
microhttpd.h api-svc/http_private.h
gnutls/ api-svc/tls.c
LIST

# With a sanitizer glibc's heap is not in use: one place knows.
while read -r file; do
    complain "$file calls malloc_trim(); footprint_trim_heap() does it where it may be done"
done < <(git ls-files --cached --others --exclude-standard '*.c' ':!common/base/footprint.c' | xargs grep -l 'malloc_trim(')
exit $bad
