#!/bin/sh
# Memeriksa berkas ini tanpa program kami. Checks this bundle without our program.
# Perlu / needs: sh, sha256sum, openssl (1.1.1 ke atas / or later).
cd "$(dirname "$0")" || exit 2
bad=0
right() { echo "BENAR / RIGHT: $1"; }
wrong() { echo "SALAH / WRONG: $1"; bad=1; }
signed() { # text, signature
    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in "$1" -sigfile "$2" >/dev/null 2>&1
}

# 1. Setiap bagian seperti saat dibuat. Every part is as it was made.
if sha256sum -c --quiet SHA256SUMS; then right "SHA256SUMS"; else wrong "SHA256SUMS"; fi

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
        echo "BELUM / NOT YET: $file: tanda tangan harian belum ada; tanda tangan SHA256SUMS berlaku." \
            "No daily head covers it yet; the signature of SHA256SUMS does."
        continue
    fi
    if signed "$head" "heads/$day.sig"; then right "$head"; else wrong "$head"; fi
    case $(cat "$head") in
        *" link=$before "*) right "$head = $file" ;;
        *) wrong "$head = $file" ;;
    esac
done

# 5. Rekaman adalah yang disegel di jurnal. Recordings are the ones that the journal says were sealed.
for file in audio/* sealed/*; do
    [ -e "$file" ] || continue
    sum=$(sha256sum < "$file")
    sum=${sum%% *}
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
