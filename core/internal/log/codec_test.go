package log_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
)

var documents = []string{
	`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `1.50e+10`, `""`, `"a"`,
	`{"a":{"b":[1,2,{"c":"d"}]},"draft":{"published":1}}`,
	"{ \"a\" :\n[ 1 , 2 ]\t}", `{"\u0064raft":1}`, `"\"\\\/\b\f\n\r\t\u001f\ud800"`, `{"é<>":"œ"}`, `[[[[[[]]]]]]`, "[ ]", "{ }",
}

var broken = []string{
	``, ` `, `{`, `}`, `[`, `]`, `{}}`, `[]]`, `{]`, `[}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,]`, `[1 2]`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`,
	`nul`, `nulll`, `True`, `00`, `01`, `-`, `1.`, `.1`, `1e`, `1e+`, `+1`, `0x1`, `NaN`, `"`, `"\"`, `"\x"`, `"\u12"`, `"\u123g"`, "\"\n\"", "\"\x00\"", `{}{}`, `1 `, ` 1`, `"a" `,
}

func TestChanges_DocumentsAreVerbatim(t *testing.T) {
	t.Parallel()
	for _, doc := range documents {
		want := []core.Change{
			put("a", 1, func(c *core.Change) { c.Draft = core.Doc(doc) }),
			put("b", 1, func(c *core.Change) { c.Draft, c.Published, c.Comment = nil, core.Doc(doc), `,"draft":1}` }),
		}
		text, err := log.EncodeChanges(want)
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		got, err := log.DecodeChanges(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", doc, err, diff)
		}
		var plain []core.Change // what is stored is JSON for everybody
		if err := json.Unmarshal(text, &plain); err != nil || !cmp.Equal(want, plain) {
			t.Errorf("%s: encoding/json reads %v, %v", doc, plain, err)
		}
	}
}

func TestEncodeChanges_RefusesWhatIsNotADocument(t *testing.T) {
	t.Parallel()
	for _, doc := range append(broken, "\"\xff\"", strings.Repeat("[", 20000)) {
		if _, err := log.EncodeChanges([]core.Change{put("a", 1, func(c *core.Change) { c.Draft = core.Doc(doc) })}); core.CodeOf(err) != core.CodeInternal {
			t.Errorf("%.20q: got %v, want a refusal", doc, err)
		}
	}
}

func TestDecodeChanges_RefusesOtherText(t *testing.T) {
	t.Parallel()
	good := `[{"type":"fiche","draft":{}}]`
	if _, err := log.DecodeChanges([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := log.DecodeChanges([]byte(good[:i])); err == nil {
			t.Errorf("%s was taken", good[:i])
		}
	}
	for _, text := range []string{`[{}]`, `[{},{}]`, `[[]]`, `[1]`, `{}`, good + `]`, `[{"type":"fiche" ,"draft":{}}]`, `[{"type":1}]`, `[{"type":"a"} ]`, `[ {"type":"a"}]`} {
		if got, err := log.DecodeChanges([]byte(text)); err == nil {
			t.Errorf("%s was taken: %v", text, got)
		}
	}
}

// FuzzEncodeChanges compares what is taken as a document with encoding/json, and that it comes back.
func FuzzEncodeChanges(f *testing.F) {
	for _, doc := range append(append([]string(nil), documents...), broken...) {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		want := []core.Change{put("a", 1, func(c *core.Change) { c.Draft = core.Doc(doc) })}
		text, err := log.EncodeChanges(want)
		valid := json.Valid([]byte(doc)) && utf8.ValidString(doc) && strings.Trim(doc, " \t\r\n") == doc
		if valid != (err == nil) {
			t.Fatalf("%q: valid %v, but %v", doc, valid, err)
		}
		if err != nil {
			return
		}
		if got, err := log.DecodeChanges(text); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("%q: got %v, %v", doc, got, err)
		}
	})
}

// FuzzDecodeChanges looks for text on which reading breaks: a damaged file must give an error.
func FuzzDecodeChanges(f *testing.F) {
	for _, text := range []string{`[{"type":"fiche","draft":{}}]`, `[]`, `[{}]`, `[{"draft":1},{"published":"x"}]`, `[{"type":"a",`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		changes, err := log.DecodeChanges(text)
		if err == nil && len(changes) == 0 && string(text) != "[]" {
			t.Fatalf("%q gave nothing and no error", text)
		}
	})
}
