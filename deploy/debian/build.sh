#!/usr/bin/env bash
# Builds the Debian package of this tree; run it on the target Debian release. Prints the path of the package.
#
#   build.sh FOLDER VERSION    FOLDER: emptied; receives sources and packages; VERSION: output of `git describe`
set -euo pipefail
unset MAKEFLAGS # do not pass the variables of `make deb` on to the package build

cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(cd "$1" && pwd)

# 0.1.0-dev+gabc is 0.1.0~dev+COMMITS.gabc, 1.2.0-rc1-5-gabc is 1.2.0~rc1+5.gabc: each commit has a higher version.
version=$(sed -E -e 's/-dirty$/+dirty/' -e "s/-dev\+g/-dev+$(git rev-list --count HEAD).g/" -e 's/-([0-9]+)-g/+\1.g/' \
    -e 's/-/~/g' <<<"$2")
source=$out/dcm-sp-$version
rm -rf "${out:?}"/*
mkdir "$source"
git ls-files -z --cached --others --exclude-standard -- . ':!tests' | tar -c --null --files-from=- | tar -x -C "$source"
mv "$source/deploy/debian" "$source/debian"
cat >"$source/debian/changelog" <<TEXT
dcm-sp ($version) unstable; urgency=medium

  * Built from the commit $(git rev-parse --short HEAD); the history of the sources says what changed.

 -- $(git log -1 --format='%cn <%ce>')  $(git log -1 --format=%cD)
TEXT
(cd "$source" && dpkg-buildpackage --build=binary --no-sign --jobs="$(nproc)" >&2)
rm -r "$source"
echo "$out/dcm-sp_${version}_$(dpkg --print-architecture).deb"
