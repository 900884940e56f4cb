package richtext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/read/richtext"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func tree(t testing.TB, blocks string) any {
	t.Helper()
	v, err := jsondoc.Parse([]byte(`{"type":"doc","v":1,"content":[` + blocks + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const words = `{"type":"text","text":"a < b"}`

func TestHTMLAndText(t *testing.T) {
	t.Parallel()
	block := func(kind, attrs, content string) string {
		return `{"type":"` + kind + `","attrs":{` + attrs + `},"content":[` + content + `]}`
	}
	p := block("paragraph", "", words)
	mark := func(marks string) string {
		return block("paragraph", "", `{"type":"text","text":"x","marks":[`+marks+`]}`)
	}
	for _, tc := range []struct{ name, blocks, html, text string }{
		{"nothing", "", "", ""},
		{"paragraphs", p + "," + p, "<p>a &lt; b</p><p>a &lt; b</p>", "a < b\n\na < b"},
		{"heading", block("heading", `"level":3,"id":"b_1"`, words), `<h3 id="b_1">a &lt; b</h3>`, "a < b"},
		{"heading too high", block("heading", `"level":1`, words), "<h2>a &lt; b</h2>", "a < b"},
		{"list", block("bulletList", "", block("listItem", "", p)+","+block("listItem", "", p)), "<ul><li><p>a &lt; b</p></li><li><p>a &lt; b</p></li></ul>", "- a < b\n- a < b"},
		{"numbers", block("orderedList", `"start":3`, block("listItem", "", p)), `<ol start="3"><li><p>a &lt; b</p></li></ol>`, "- a < b"},
		{"quote", block("blockquote", `"attribution":"M. <X>"`, p), "<blockquote><p>a &lt; b</p><footer>M. &lt;X&gt;</footer></blockquote>", "a < b\n\nM. <X>"},
		{"table", block("table", `"caption":"C"`, block("tableRow", "", block("tableHeader", `"scope":"row"`, p)+","+block("tableCell", `"colspan":2`, p))),
			`<table><caption>C</caption><tr><th scope="row"><p>a &lt; b</p></th><td colspan="2"><p>a &lt; b</p></td></tr></table>`, "a < b\ta < b"},
		{"image", block("image", `"ref":{"_media":"m1"},"alt":"\"A\"","caption":"C"`, ""), `<figure><img data-media="m1" alt="&#34;A&#34;"><figcaption>C</figcaption></figure>`, "C"},
		{"decorative image", block("image", `"ref":{"_media":"m1"},"alt":"A","decorative":true`, ""), `<figure><img data-media="m1" alt=""></figure>`, ""},
		{"embed", block("embed", `"kind":"video","url":"https://example.org/v"`, ""), `<figure data-embed="video"><a href="https://example.org/v">https://example.org/v</a></figure>`, ""},
		{"callout", block("callout", `"tone":"info","title":"T"`, p), `<aside data-tone="info"><p><strong>T</strong></p><p>a &lt; b</p></aside>`, "T\n\na < b"},
		{"code", block("codeBlock", `"language":"go"`, words), `<pre><code data-language="go">a &lt; b</code></pre>`, "a < b"},
		{"rule and break", block("horizontalRule", "", "") + "," + block("paragraph", "", words+`,{"type":"hardBreak"},`+words), "<hr><p>a &lt; b<br>a &lt; b</p>", "a < b\na < b"},
		{"footnote", block("paragraph", "", words+`,{"type":"footnote","attrs":{"note":"N"}}`), `<p>a &lt; b<small role="note">N</small></p>`, "a < b (N)"},
		{"marks", mark(`{"type":"bold"},{"type":"italic"}`), "<p><strong><em>x</em></strong></p>", "x"},
		{"language", mark(`{"type":"lang","attrs":{"lang":"en"}}`), `<p><span lang="en">x</span></p>`, "x"},
		{"link", mark(`{"type":"link","attrs":{"href":"/a?b=1&c=\"","title":"T"}}`), `<p><a href="/a?b=1&amp;c=&#34;" title="T">x</a></p>`, "x"},
		{"link to an entry", mark(`{"type":"link","attrs":{"ref":{"_ref":"i","_type":"fiche"}}}`), `<p><a data-ref="i" data-type="fiche">x</a></p>`, "x"},
		{"dangerous link", mark(`{"type":"link","attrs":{"href":"javascript:alert(1)"}}`), "<p>x</p>", "x"},
		{"dangerous link in disguise", mark(`{"type":"link","attrs":{"href":" jAvascript:alert(1)"}}`), "<p>x</p>", "x"},
		{"dangerous link with a tab", mark(`{"type":"link","attrs":{"href":"java\tscript:alert(1)"}}`), "<p>x</p>", "x"},
		{"unknown block", block("script", `"src":"x"`, p), "<p>a &lt; b</p>", "a < b"},
		{"unknown mark", mark(`{"type":"blink"}`), "<p>x</p>", "x"},
		{"not a node", `1,null,"x",[]`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := richtext.HTML(tree(t, tc.blocks)); got != tc.html {
				t.Errorf("HTML\ngot  %s\nwant %s", got, tc.html)
			}
			if got := richtext.Text(tree(t, tc.blocks)); got != tc.text {
				t.Errorf("text\ngot  %q\nwant %q", got, tc.text)
			}
		})
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("paragraph", "<script>", "link", "href", "javascript:x")
	f.Add("image", "\"><img onerror=x>", "lang", "lang", "\" onclick=\"x")
	f.Fuzz(func(t *testing.T, kind, words, mark, name, value string) {
		text := map[string]any{"type": "text", "text": words, "marks": []any{map[string]any{"type": mark, "attrs": map[string]any{name: value}}}}
		b, _ := json.Marshal(map[string]any{"type": "doc", "content": []any{map[string]any{"type": kind, "attrs": map[string]any{name: value, "caption": value, "alt": words}, "content": []any{text}}}})
		v, err := jsondoc.Parse(b)
		if err != nil {
			return
		}
		got := strings.ToLower(richtext.HTML(v))
		for _, bad := range []string{"<script", "<img on", "href=\"javascript:", "href=\"data:", "<style", "<iframe"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s in %s", bad, got)
			}
		}
	})
}
