#!/bin/sh
# Memeriksa berkas ini tanpa program kami. Checks this bundle without our program.
# Perlu / needs: sh, sha256sum, openssl 3.
# Hasil / result: 0 benar / right, 1 salah / wrong, 2 tidak dapat diperiksa / cannot be checked.
cd "$(dirname "$0")" || exit 2
bad=0
right() { printf 'BENAR / RIGHT: %s\n' "$1"; }
wrong() { printf 'SALAH / WRONG: %s\n' "$1"; bad=1; }
cannot() { printf 'TIDAK DAPAT DIPERIKSA / CANNOT BE CHECKED: %s\n' "$1" >&2; exit 2; }
signed() { # text, signature
    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in "$1" -sigfile "$2" >/dev/null 2>&1
}
sum_of() { # file
    sum=$(sha256sum < "$1")
    sum=${sum%% *}
}

command -v sha256sum >/dev/null 2>&1 || cannot "sha256sum tidak ada / is not installed"
case $(openssl version 2>/dev/null) in
    'OpenSSL 0'*|'OpenSSL 1'*|LibreSSL*|'') cannot "perlu OpenSSL 3 / OpenSSL 3 is needed" ;;
esac

# Tanda tangan di bawah ini membuktikan sesuatu hanya bila kunci ini milik gateway.
# The signatures below prove something only if this key is the gateway's.
key=$(openssl pkey -pubin -in key.pem -outform DER 2>/dev/null | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
[ -n "$key" ] || cannot "key.pem"
printf '%s\n' "KUNCI / KEY: $key" \
    "  Bandingkan dengan kunci yang dicatat di luar pusat panggilan, atau 'key' di tanda tangan harian yang disimpan di sana." \
    "  Compare it with the key that was noted outside the centre, or with 'key' in the daily heads that are kept there."

# 1. Setiap bagian seperti saat dibuat. Every part is as it was made.
if sha256sum -c --quiet --strict SHA256SUMS; then right "SHA256SUMS"; else wrong "SHA256SUMS"; fi
extra=$(find . ! -type d | sed 's,^\./,,' | while IFS= read -r file; do
    case $file in SHA256SUMS|SHA256SUMS.sig) continue ;; esac
    cut -c 67- SHA256SUMS | grep -Fqx -e "$file" || printf '%s\n' "$file"
done)
[ -z "$extra" ] || wrong "bukan bagian berkas ini / no part of this bundle: $extra"

# 2. Daftar itu ditandatangani. The list is signed.
if signed SHA256SUMS SHA256SUMS.sig; then right "SHA256SUMS.sig"; else wrong "SHA256SUMS.sig"; fi

# 3. Baris jurnal berantai: setiap baris memuat SHA-256 baris sebelumnya.
#    The journal's lines are a chain: each holds the SHA-256 of the one before.
for file in journal/lines-*.jsonl; do
    [ -e "$file" ] || continue
    before= holds=yes count=0
    while IFS= read -r line; do
        said=${line#*\"prev\":\"}
        said=${said%%\"*}
        if [ -n "$before" ] && [ "$said" != "$before" ]; then holds=no; fi
        before=$(printf '%s' "$line" | sha256sum)
        before=${before%% *}
        count=$((count + 1))
    done < "$file"
    if [ $holds = yes ]; then right "$file, $count"; else wrong "$file"; fi

    # 4. Baris terakhir adalah yang ditandatangani pada hari itu. The last line is the one signed that day.
    day=${file#journal/lines-}
    day=${day%.jsonl}
    head=heads/$day.txt
    if [ ! -e "$head" ]; then
        printf '%s\n' "BELUM / NOT YET: $file: tanda tangan harian belum ada; tanda tangan SHA256SUMS berlaku. No daily head covers it yet; the signature of SHA256SUMS does."
        continue
    fi
    if signed "$head" "heads/$day.sig"; then right "$head"; else wrong "$head"; fi
    case $(cat "$head") in
        *" link=$before "*) right "$head = $file" ;;
        *) wrong "$head = $file" ;;
    esac
done

# 5. Setiap baris di opened.jsonl ada di rantai: nomor dan SHA-256 sama.
#    Every line of opened.jsonl stands in the chain, with its number and its SHA-256.
if [ -e journal/keys.txt ]; then
    holds=yes count=0
    while IFS= read -r line; do
        number=${line#*\"line\":}
        number=${number%%[!0-9]*}
        said=${line##*\"sha256\":\"}
        said=${said%%\"*}
        found=$(cat journal/lines-*.jsonl | grep "^{\"seq\":$number," | head -n 1)
        sum=$(printf '%s' "$found" | sha256sum)
        [ -n "$number" ] && [ -n "$found" ] && [ "${sum%% *}" = "$said" ] || { holds=no; wrong "journal/opened.jsonl: $number"; }
        count=$((count + 1))
    done < journal/opened.jsonl
    [ $holds = no ] || right "journal/opened.jsonl, $count"
fi

# 6. Rekaman adalah yang disegel di jurnal. Recordings are the ones that the journal says were sealed.
for file in audio/* sealed/*; do
    [ -e "$file" ] || continue
    sum_of "$file"
    if grep -q "\"sha256\":\"$sum\"" journal/opened.jsonl 2>/dev/null; then
        right "$file"
    else
        case $file in
            audio/*) [ -e "sealed/${file#audio/}.enc" ] || [ -e redaction.json ] || wrong "$file" ;;
            *) wrong "$file" ;;
        esac
    fi
done
exit $bad
