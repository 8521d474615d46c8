#!/usr/bin/env bash
# Fails on an include that violates the layers: process -> container -> kube -> bus, http -> adapters -> services -> base,
# never between processes; in a process, its folder -> its subfolders, and between these as listed below; and on a header
# of a foreign library outside its listed files.
# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

# The folders from which the files of a folder may include, in addition to their own.
base="common/base"
services="$base common common/services"
adapters="$services common/bus common/http common/adapters"
kube="$adapters common/kube"
container="$kube common/container"
worker="$container kube-worker/operation" # repair -> change, debt -> container -> operation; list, streams -> container
folders_in() {
    find "$1" -mindepth 1 -maxdepth 1 -type d | tr '\n' ' '
}
allowed() {
    case $1 in
        common/base | common) echo "$base" ;;
        common/services | common/adapters) echo "$services" ;;
        common/bus | common/http) echo "$services common/adapters" ;;
        common/kube) echo "$adapters" ;;
        common/container) echo "$container" ;;
        tests/*) echo ANY ;;
        api-svc/* | registrar/*) echo "$adapters common/container" ;; # without the Kubernetes API
        api-svc | registrar) echo "$adapters common/container $(folders_in "$1")" ;;
        kube-worker/container) echo "$worker" ;;
        kube-worker/change | kube-worker/debt | kube-worker/list | kube-worker/streams) echo "$worker kube-worker/container" ;;
        kube-worker/repair) echo "$worker kube-worker/container kube-worker/change kube-worker/debt" ;;
        */*) echo "$container" ;; # of one process, without each other
        *) echo "$container $(folders_in "$1")" ;;
    esac
}

while IFS=: read -r file include; do
    from=$(dirname "$file")
    to=$(dirname "$include")
    may=$(allowed "$from")
    [ "$may" = ANY ] || [ "$from" = "$to" ] || [[ " $may " == *" $to "* ]] || complain "$file includes $include"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
    xargs grep -Ho '^#include "[^"]*"' | sed 's/#include "\(.*\)"/\1/')

# The checks read includes in the style of the project.
while IFS=: read -r file line; do
    complain "$file: write $line as #include \"path from the root\" or, of a foreign library, <header>"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' | xargs grep -HE '^[[:space:]]*#[[:space:]]*include' |
    grep -vE ':#include ("[^"]+"|<[^>]+>)|:#include [A-Z_]+$' || true)
while IFS=: read -r file line; do
    complain "$file: $line, a header of the project, in angle brackets"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' |
    xargs grep -HE '^#include <(common|api-svc|kube-worker|monitor|registrar|tests)/')

# api-svc and registrar must not include the Kubernetes API indirectly either.
while read -r file kube; do
    complain "$file includes $kube indirectly"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' | xargs grep -Ho '^#include "[^"]*"' |
    sed 's/:#include "\(.*\)"/ \1/' | awk '
        { included[$1] = included[$1] " " $2 }
        function reaches(file, seen, places, n, i, found) {
            if (file in seen)
                return ""
            seen[file]
            if (file ~ "^common/kube/")
                return file
            n = split(included[file], places, " ")
            for (i = 1; i <= n && !found; i++)
                found = reaches(places[i], seen)
            return found
        }
        END {
            for (file in included)
                if (file ~ "^(api-svc|registrar)/") {
                    split("", seen)
                    found = reaches(file, seen)
                    if (found)
                        print file, found
                }
        }')

# A header, and the only files that may include it (outside tests).
while read -r header places; do
    while read -r file; do
        [[ " $places " == *" $file "* ]] || complain "$file includes <$header>; only $places may"
    done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' ':!tests' | xargs grep -l "^#include <$header")
done <<'LIST'
nats/nats.h common/bus/bus_private.h
curl/curl.h common/http/http_private.h
openssl/evp.h common/adapters/crypto.c
openssl/rand.h common/adapters/crypto.c
openssl/pem.h common/adapters/pem.c common/adapters/tls_client.c
openssl/ssl.h common/adapters/tls_client.c
yaml.h common/services/yaml.c
cjson/cJSON.h common/services/json.h
microhttpd.h api-svc/http/http_private.h common/http/metrics_server.c
gnutls/ api-svc/http/tls.c
wslay/ common/adapters/websocket.c
LIST

# malloc_trim() must not be called with a sanitizer, which replaces the heap of glibc.
while read -r file; do
    complain "$file calls malloc_trim(); use footprint_trim_heap()"
done < <(git ls-files --cached --others --exclude-standard '*.c' ':!common/base/footprint.c' | xargs grep -l 'malloc_trim(')
exit "$bad"
