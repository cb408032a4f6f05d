#!/bin/sh
# test_html.sh - the HTML reports in headless Chromium: nothing fetched, nothing overflows, readable on a phone, on paper, light and dark.
here=$(cd "$(dirname "$0")/../.." && pwd) && cd "$here" || exit 1
rs=${RS_BUILD:-$here/build}/rowstation
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT INT TERM
failed=0

pass() { echo "PASS $1"; }
fail() { echo "  $2"; echo "FAIL $1"; failed=1; }
skip() { echo "SKIP html_report: $1"; exit 0; }

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no chromium"
command -v python3 >/dev/null || skip "no python3"
[ -x "$rs" ] && [ -f "${RS_BUILD:-build}/librs_emu_default.so" ] || skip "no plain build with librs_emu_default.so"
chromium() {
    timeout 60 "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$dir/profile" --disable-background-networking \
        --disable-component-update --no-first-run "$@" 2>"$dir/log"
}
chromium --dump-dom 'data:text/html,<p id="there">' | grep -q 'id="there"' || skip "chromium does not start: $(tail -1 "$dir/log")"

"$rs" compare tests/workloads/kws.csv --target emu:default --html "$dir/compare.html" >/dev/null 2>"$dir/log" || fail compare_html_is_written "$(tail -1 "$dir/log")"
"$rs" explore tests/workloads/kws.csv --sweep rows=8,16 --sweep glb=512 --sweep wbuf=512 --html "$dir/explore.html" >/dev/null 2>"$dir/log" ||
    fail explore_html_is_written "$(tail -1 "$dir/log")"

# The report in frames of three widths, under a policy that allows nothing but its own style; a script outside measures.
cat >"$dir/frame.py" <<'PY'
import html, sys
text = open(sys.argv[1], encoding="utf-8").read()
policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-t'\">" \
         "<script nonce=\"t\">window.blocked=[];addEventListener('securitypolicyviolation',e=>blocked.push(e.violatedDirective+' '+e.blockedURI))</script>"
assert text.count("<head>") == 1
text = html.escape(text.replace("<head>", "<head>" + policy), quote=True)
print("<!doctype html><meta name=\"color-scheme\" content=\"light dark\"><body style=\"margin:0\">")
for width in (360, 768, 1200):
    print(f"<iframe width={width} height=900 style=\"border:0\" srcdoc=\"{text}\"></iframe>")
print("""<pre id=result></pre><script>
const luminance = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
addEventListener('load', () => {
    const result = [];
    for (const frame of document.querySelectorAll('iframe')) {
        const w = frame.contentWindow, d = w.document, one = {width: frame.width * 1, blocked: w.blocked, outside: [], small: []};
        one.page = d.documentElement.scrollWidth;
        one.figures = d.querySelectorAll('svg').length;
        for (const e of d.querySelectorAll('h1,h2,p,li,td,th,span,b,small,svg text,i')) {
            const box = e.getBoundingClientRect(), words = e.textContent.trim();
            if (!words || !box.width) continue;
            const size = parseFloat(w.getComputedStyle(e).fontSize) * (e.ownerSVGElement ? e.ownerSVGElement.getBoundingClientRect().width / 960 : 1);
            if (size < 10.5) one.small.push(words + ' ' + size.toFixed(1));
            if ((box.left < -1 || box.right > frame.width * 1 + 1) && !e.closest('.scroll,figure')) one.outside.push(words);
        }
        const back = luminance(w.getComputedStyle(d.body).backgroundColor.startsWith('rgba(0, 0, 0, 0') ? (matchMedia('(prefers-color-scheme: dark)').matches
            ? 'rgb(18,18,18)' : 'rgb(255,255,255)') : w.getComputedStyle(d.body).backgroundColor);
        one.dark = back < 0.2;
        one.contrast = contrast(back, luminance(w.getComputedStyle(d.querySelector('p')).color));
        result.push(one);
    }
    document.getElementById('result').textContent = JSON.stringify(result);
});
</script>""")
PY
for report in compare explore; do
    python3 "$dir/frame.py" "$dir/$report.html" >"$dir/frame.html" || { fail "${report}_html_has_one_head" "frame.py"; continue; }
    for scheme in light dark; do
        chromium --enable-logging=stderr --window-size=1300,3000 --blink-settings=preferredColorScheme=$([ $scheme = dark ] && echo 0 || echo 1) \
            --virtual-time-budget=5000 --dump-dom "file://$dir/frame.html" >"$dir/dom"
        if python3 - "$dir/dom" "$dir/log" $scheme "$report" >"$dir/out" 2>&1 <<'PY'
import html, json, re, sys
dom, log, scheme, report = open(sys.argv[1], encoding="utf-8").read(), open(sys.argv[2], encoding="utf-8").read(), sys.argv[3], sys.argv[4]
found = re.search(r'<pre id="result">(.*?)</pre>', dom, re.S)
assert found and found[1], "nothing was measured"
frames = json.loads(html.unescape(found[1]))
assert [f["width"] for f in frames] == [360, 768, 1200]
assert "CONSOLE" not in log, "console: " + next(line for line in log.split("\n") if "CONSOLE" in line)
for f in frames:
    assert f["blocked"] == [], f"fetched: {f['blocked'][:3]}"
    assert f["page"] <= f["width"], f"at {f['width']} the page is {f['page']} wide"
    assert f["outside"] == [], f"at {f['width']} outside: {f['outside'][:5]}"
    assert f["small"] == [], f"at {f['width']} too small: {f['small'][:5]}"
    assert f["figures"] >= (20 if report == "compare" else 1), f"{f['figures']} figures"
    assert f["dark"] == (scheme == "dark"), f"not {scheme}"
    assert f["contrast"] >= 4.5, f"contrast {f['contrast']:.1f}"
PY
        then pass "${report}_html_at_phone_tablet_desktop_$scheme"; else fail "${report}_html_at_phone_tablet_desktop_$scheme" "$(tail -1 "$dir/out")"; fi
    done
    chromium --no-pdf-header-footer --print-to-pdf="$dir/$report.pdf" "file://$dir/$report.html"
    if [ "$(head -c 5 "$dir/$report.pdf" 2>/dev/null)" = "%PDF-" ] && [ "$(wc -c <"$dir/$report.pdf")" -gt 8000 ]
    then pass "${report}_html_prints"; else fail "${report}_html_prints" "$(tail -1 "$dir/log")"; fi
done
exit $failed
