#!/bin/sh
# Membuka bagian terkunci sebuah baris jurnal. Opens the locked part of a line of the journal.
# sh open-line.sh 4711      (nomor baris / number of the line)
# AES-256-GCM: tanpa pemeriksaan, ini AES-256-CTR dengan pencacah mulai 2.
# AES-256-GCM without its check is AES-256-CTR whose counter begins with 2.
cd "$(dirname "$0")" || exit 2
# Yang tertulis di berkas ini tidak dijalankan. Nothing that is written in this bundle is run.
only() { # allowed, text, name
    case $2 in ''|*[!$1]*) printf 'bukan / this is no %s\n' "$3" >&2; exit 2 ;; esac
}
only 0-9 "$1" "nomor baris / number of a line"
line=$(grep -h "^{\"seq\":$1," journal/lines-*.jsonl | head -n 1)
[ -n "$line" ] || { printf 'tidak ada baris / no line %s\n' "$1" >&2; exit 1; }
slot=${line##*\"sealed\":\{\"slot\":}
[ "$slot" != "$line" ] || { printf 'tidak terkunci / not locked\n' >&2; exit 1; }
slot=${slot%%,*}
only 0-9 "$slot" "nomor kunci / number of a key"
data=${line##*\"data\":\"}
data=${data%%\"*}
only 'A-Za-z0-9+/' "$data" "bagian terkunci / locked part"
key=$(sed -n "s/^$slot \([0-9a-f]*\) .*/\1/p" journal/keys.txt | head -n 1)
[ -n "$key" ] || { printf 'kunci tidak disertakan / its key is not in here\n' >&2; exit 1; }
case $((${#data} % 4)) in 2) data="$data==" ;; 3) data="$data=" ;; esac
iv=$(printf '%s' "$data" | base64 -d | head -c 12 | od -An -v -tx1 | tr -d ' \n')
printf '%s' "$data" | base64 -d | tail -c +13 | head -c -16 |
    openssl enc -d -aes-256-ctr -K "$key" -iv "${iv}00000002"
echo
