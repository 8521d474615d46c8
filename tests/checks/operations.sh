#!/usr/bin/env bash
# Fails if a part of an operation (common/operation.h) is missing: its operation in the API document, its file, its test;
# or of a resource type (common/resource.h): its collection in the API document, its folder.
# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

# Without the operation of the test programs (tests/streams/).
table=$(sed '/^#ifdef DCM_SP_TEST_OPERATION/,/^#else/d' common/operation.h)
rows=$(sed -nE 's/^\tROW\(([A-Z_]+), *([a-z_]+), *("[A-Z]+"|NULL), *.*("[A-Za-z]+"|NULL), *[0-9]+,.*/\2 \3 \4/p' <<<"$table")
[ "$(grep -c '^.ROW(' <<<"$table")" = "$(wc -l <<<"$rows")" ] || complain "a row cannot be read"

while read -r name method id; do
    if [ "$method" = NULL ]; then
        continue
    fi
    grep -q "operationId: ${id//\"/}\$" api-svc/openapi.yaml || complain "$name: api-svc/openapi.yaml lacks $id"
    grep -rqE "^(    )?def test_${name}_" tests/end-to-end || complain "$name: no end-to-end test is named test_${name}_..."
done <<<"$rows"

for file in kube-worker/op_*.c; do
    name=$(sed -nE 's/^const struct op op_([a-z_]+) = .*/\1/p' "$file")
    [ -z "$name" ] || grep -q "^$name " <<<"$rows" || complain "$file: operation '$name' has no row"
done

# Operations of the pool and of the streams; the others have no file.
while read -r name; do
    [ -f "kube-worker/op_$name.c" ] || complain "$name: kube-worker/op_$name.c is missing"
done < <(sed -n '/^#define OPERATION_POOL_ROWS/,/^#define OPERATION_BESIDE_ROWS/p' <<<"$table" |
    sed -nE 's/^\tROW\([A-Z_]+, *([a-z_]+),.*/\1/p')

while read -r id; do
    grep -q "\"$id\"\$" <<<"$rows" || complain "api-svc/openapi.yaml: $id has no row"
done < <(sed -nE 's/^ *operationId: ([A-Za-z]+)$/\1/p' api-svc/openapi.yaml)

rows=$(sed -nE 's/^\tROW\([A-Z_]+, *"([a-z_]+)", *RESOURCE_([A-Z]+)_PATH,.*/\1 \2/p' common/resource.h)
[ "$(grep -c '^.ROW(' common/resource.h)" = "$(wc -l <<<"$rows")" ] || complain "a row of common/resource.h cannot be read"
while read -r name collection; do
    api=$(sed -nE 's/^#define RESOURCE_API "(.*)"/\1/p' common/resource.h)
    path=$(sed -nE "s/^#define RESOURCE_${collection}_PATH RESOURCE_API \"(.*)\"/\1/p" common/resource.h)
    grep -q "^  $api$path:\$" api-svc/openapi.yaml || complain "$name: api-svc/openapi.yaml lacks $api$path"
    [ -d "common/$name" ] || complain "$name: the folder common/$name is missing"
done <<<"$rows"
exit "$bad"
