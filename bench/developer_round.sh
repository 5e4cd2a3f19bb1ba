#!/bin/sh
# The git work of a developer's round, by plain git in a warm clone: the limit to compare with.
# $1 warm clone, $2 branch, $3 folder with one folder of files per commit, $4 the forge's document
set -eu
cd "$1"
git fetch -q --prune origin '+refs/heads/*:refs/remotes/origin/*' '+refs/pmcodex/*:refs/pmcodex/*'
git checkout -q -b "$2" origin/main
for commit in "$3"/*; do
    cp -R "$commit/." .
    git add -A
    git commit -q -m "$(basename "$commit")"
done
git push -q --force-with-lease="refs/heads/$2:" origin "HEAD:refs/heads/$2"

GIT_INDEX_FILE=$(pwd)/.git/forge-index
export GIT_INDEX_FILE
blob=$(git hash-object -w "$4")
git update-index --add --cacheinfo "100644,$blob,pulls/000001.json"
record=$(git commit-tree -m "Open pull 1" "$(git write-tree)")
git push -q --force-with-lease=refs/pmcodex/forge: origin "$record:refs/pmcodex/forge"
