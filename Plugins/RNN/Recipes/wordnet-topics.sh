#!/bin/sh
# Definitions of WordNet's nouns with their topic (the lexicographer's file), as two tables: one definition in ten is for
# testing. usage: wordnet-topics.sh [FOLDER]; needs Debian's wordnet-base.
set -e
out=${1:-.}
data=/usr/share/wordnet/data.noun
[ -e $data ] || { echo "no $data: apt-get install wordnet-base" >&2; exit 1; }
awk -v out="$out" '
BEGIN {
  # lexnames(5WN): the ten topics that most of the nouns have.
  split("04 act,05 animal,06 artifact,07 attribute,10 communication,13 food,14 group,18 person,20 plant,26 state", list, ",")
  for (i in list) topic[substr(list[i], 1, 2)] = substr(list[i], 4)
  train = out "/wordnet-train.tsv"; test = out "/wordnet-test.tsv"
  print "topic\ttext" > train; print "topic\ttext" > test
}
/^[0-9]/ && ($2 in topic) {
  text = $0; sub(/^[^|]*\| */, "", text)
  # Only the definition: examples follow in quotes.
  sub(/;? *".*/, "", text)
  text = tolower(text); gsub(/[^a-z0-9]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text)
  if (text == "") next
  print topic[$2] "\t" text > (++count % 10 == 0 ? test : train)
}' $data
wc -l "$out/wordnet-train.tsv" "$out/wordnet-test.tsv"
