#!/bin/sh
# Writes the manual page of a program: the template, with the options and variables of --help.
#
#   page.sh PROGRAM-FILE TEMPLATE >PAGE
set -eu

help=$("$1" --help)
printf '%s\n' "$help" | awk -v template="$2" '
function text(s) { # escaped for troff
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	sub(/^[.\047]/, "\\\\\\&&", s)
	return s
}
/^  (--[a-z-]+|[A-Z][A-Z0-9_]*)  / { # name, two or more spaces, help text
	name = $1
	sub(/^ *[^ ]+ +/, "")
	into = name ~ /^-/ ? "options" : "variables"
	out[into] = out[into] ".TP\n.B " text(name) "\n" text($0) ".\n"
	next
}
into == "variables" && /^ +(required|default: )/ {
	sub(/^ +/, "")
	sub(/^r/, "R")
	sub(/^d/, "D")
	out[into] = out[into] ".br\n" text($0) "\n"
}
END {
	while ((getline line < template) > 0)
		if (line == "@OPTIONS@")
			printf "%s", out["options"]
		else if (line == "@VARIABLES@")
			printf "%s", out["variables"]
		else
			print line
}'
