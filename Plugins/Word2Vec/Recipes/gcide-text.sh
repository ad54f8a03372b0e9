#!/bin/sh
# Makes a corpus of the GNU Collaborative International Dictionary of English (Debian package dict-gcide): words of
# small letters, an entry per line.
#
# usage: gcide-text.sh [OUTPUT [DICTIONARY]]; by default the text is gcide.txt beside this file, where the recipes want it.
set -eu
output=${1:-$(dirname "$0")/gcide.txt}
dictionary=${2:-/usr/share/dictd/gcide.dict.dz}
[ -e "$dictionary" ] || { echo "$0: '$dictionary' is missing: apt-get install dict-gcide" >&2; exit 1; }
# An entry starts in the first column; what belongs to it is indented.
gzip -dc <"$dictionary" | LC_ALL=C awk '
  /^[^ \t]/ && entry != "" { print entry; entry = "" }
  { line = tolower($0); gsub(/[^a-z]+/, " ", line); sub(/^ /, "", line); sub(/ $/, "", line) }
  line != "" { entry = entry == "" ? line : entry " " line }
  END { if (entry != "") print entry }' >"$output"
