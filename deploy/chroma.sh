#!/bin/sh
# Chroma's server: `deploy/chroma.sh FOLDER HOST PORT`. It goes on reading from a folder that was deleted under it, but cannot write;
# so it is stopped then, whoever supervises it starts an empty one, and search fills that again from SQL.
set -eu
folder=$1 host=$2 port=$3
chroma=$(dirname "$0")/../.venv/bin/chroma
[ -x "$chroma" ] || chroma=chroma
mkdir -p "$folder"
"$chroma" run --path "$folder" --host "$host" --port "$port" &
server=$!
trap 'kill "$server" 2>/dev/null || true' TERM INT
began=
while kill -0 "$server" 2>/dev/null; do
    if [ -e "$folder/chroma.sqlite3" ]; then
        began=1
    elif [ -n "$began" ]; then
        echo "The folder $folder is gone; ending, to be started anew." >&2
        kill "$server" 2>/dev/null || true
        break
    fi
    sleep 1 &
    wait $! || true
done
wait "$server" || true
