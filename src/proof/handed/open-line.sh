#!/bin/sh
# Membuka bagian terkunci sebuah baris jurnal. Opens the locked part of a line of the journal.
# sh open-line.sh 4711      (nomor baris / number of the line)
# AES-256-GCM: tanpa pemeriksaan, ini AES-256-CTR dengan pencacah mulai 2.
# AES-256-GCM without its check is AES-256-CTR whose counter begins with 2.
cd "$(dirname "$0")" || exit 2
line=$(grep -h "^{\"seq\":$1," journal/lines-*.jsonl | head -n 1)
[ -n "$line" ] || { echo "tidak ada baris / no line $1" >&2; exit 1; }
slot=${line##*\"sealed\":\{\"slot\":}
[ "$slot" != "$line" ] || { echo "tidak terkunci / not locked" >&2; exit 1; }
slot=${slot%%,*}
data=${line##*\"data\":\"}
data=${data%%\"*}
key=$(sed -n "s/^$slot \([0-9a-f]*\) .*/\1/p" journal/keys.txt)
[ -n "$key" ] || { echo "kunci tidak disertakan / its key is not in here" >&2; exit 1; }
case $((${#data} % 4)) in 2) data="$data==" ;; 3) data="$data=" ;; esac
iv=$(printf '%s' "$data" | base64 -d | head -c 12 | od -An -v -tx1 | tr -d ' \n')
printf '%s' "$data" | base64 -d | tail -c +13 | head -c -16 |
    openssl enc -d -aes-256-ctr -K "$key" -iv "${iv}00000002"
echo
