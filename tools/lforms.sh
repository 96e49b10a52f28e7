#!/usr/bin/env bash
# Puts the independent FHIR form renderer of the tests (LHC-Forms, from its npm package) into a folder.
# Only the package itself: what it was built from is bundled in it, and is half a gigabyte.
# usage: tools/lforms.sh <folder>
set -euo pipefail
folder=$1
version=40.1.3
digest=58baee4e6f817159da7c2d2b480437fdc36a871bdc941531c811baf1ab9bfee85ad8d68af47f1965c1174d3b8e46e1b3cc2b74c1aedfbe1ba2799b5c0c874fcd

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
npm pack --silent "lforms@$version" >/dev/null
if ! echo "$digest  lforms-$version.tgz" | sha512sum --check --status; then
    echo "The package lforms $version is not the one that was checked; delete $folder and look into it before you go on." >&2
    exit 1
fi
tar xzf "lforms-$version.tgz" package/dist/lforms/webcomponent package/dist/lforms/fhir/R4
rm "lforms-$version.tgz"
touch .installed
