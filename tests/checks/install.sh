#!/usr/bin/env bash
# Installs into a separate folder and checks the files: units, manual pages, completion; that pages and the README name
# exactly the variables and defaults that the programs name; and that the memory limit of api-svc's Pod suits them.
#
#   install.sh BUILD
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 1
build=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
faults=0

fault() {
    echo "$*" >&2
    faults=$((faults + 1))
}

variables_of() { # program: "NAME default" a line; the default of a required one is "required", an empty one "empty"
    "$build/bin/$1" --help | awk '
        /^  [A-Z][A-Z0-9_]*  / { name = $1; next }
        name { sub(/^ *(default: )?/, ""); print name, $0 == "(empty)" ? "empty" : $0; name = "" }'
}

make -s BUILD="$build" PREFIX=/usr DESTDIR="$tree" install || exit 1

for program in api-svc kube-worker monitor registrar; do
    page=$tree/usr/share/man/man8/$program.8
    # A page that troff complains about, or that lost a variable.
    said=$(groff -man -ww -z -Tutf8 "$page" 2>&1)
    [ -z "$said" ] || fault "$page: $said"
    shown=$(groff -man -Tutf8 -rLL=200n -P-cbou "$page")
    [ -n "$(variables_of "$program")" ] || fault "$program --help names no variable"
    while read -r name default; do
        grep -qE "^ +$name( |$)" <<<"$shown" || fault "$program.8 does not name $name"
        # "| `A`, `B` | who | `default` |": the default in the README, without its marks.
        row=$(grep -E "^\|[^|]*\`$name\`" README.md | tr -d '`')
        in_readme=$(cut -d'|' -f4 <<<"$row" | sed 's/^ *//; s/ *$//')
        [ "$in_readme" = "$default" ] || fault "README.md: $name has the default '$in_readme', $program says '$default'"
        used_by=$(cut -d'|' -f3 <<<"$row")
        [[ $used_by == *all* || $used_by == *$program* ]] || fault "README.md: $name is not said to be used by $program"
    done < <(variables_of "$program")
    for switch in $("$build/bin/$program" --help | grep '^Usage:' | grep -oE -- '--[a-z-]+'); do
        # shellcheck disable=SC2016  # for the inner bash
        bash -c '. "$1"; complete -p "$2"' - "$tree/usr/share/bash-completion/completions/$program" "$program" |
            grep -qe "$switch" || fault "the completion of $program does not know $switch"
    done
done
# Variables in the README must exist in a program.
known=$(for program in api-svc kube-worker monitor registrar; do variables_of "$program"; done | cut -d' ' -f1)
for name in $(grep -E '^\| `(SP|DCM)_' README.md | cut -d'|' -f2 | tr -d '`,'); do
    grep -qx "$name" <<<"$known" || fault "README.md: no program knows $name"
done
# A Pod must have room beside its budget for bodies and replies.
budget=$(variables_of api-svc | sed -n 's/^SP_SERVER_MEMORY //p')
limit=$(sed -nE 's/^ *limits: \{memory: ([0-9]+)Mi\}$/\1/p' deploy/kubernetes/base/api-svc.yaml)
[ $((${limit:-0} * 1024 * 1024)) -ge $((budget * 3 / 2)) ] ||
    fault "deploy/kubernetes/base/api-svc.yaml: a limit of '$limit' MiB, with an SP_SERVER_MEMORY of $budget bytes"
said=$(groff -man -ww -z -Tutf8 "$tree/usr/share/man/man7/dcm-sp.7" 2>&1)
[ -z "$said" ] || fault "dcm-sp.7: $said"

units=$tree/usr/lib/systemd/system
for unit in "$units"/*.service; do
    # The score is in tenths here: above 2.0 it fails.
    score=$(systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" 2>/dev/null) ||
        fault "$unit: $(tail -n 1 <<<"$score")"
    echo "${score##*→ }"
done
# An older systemd does not support the steps of the backoff; no other message is allowed. The programs are in the tree only.
said=$(systemd-analyze verify --man=no "$units"/*.service "$units/dcm-sp.target" 2>&1 |
    grep -vE "Unknown key 'Restart(Steps|MaxDelaySec)'|Command /usr/bin/[a-z-]+ is not executable")
[ -z "$said" ] || fault "$said"

[ "$faults" -eq 0 ]
