#!/bin/sh
# The git work of a round with nothing to do, by plain git in a warm clone: look whether anything moved.
# $1 warm clone
set -eu
cd "$1"
git fetch -q --prune origin '+refs/heads/*:refs/remotes/origin/*' '+refs/pmcodex/*:refs/pmcodex/*'
git for-each-ref >/dev/null
