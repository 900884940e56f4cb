package plugin

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Secrets in lists come back with the list as it was, and with no other.
func TestReveal(t *testing.T) {
	t.Parallel()
	typ := core.NewType(core.Type{Name: "note", Fields: []core.Field{{Path: "pin", Secret: true}, {Path: "boxes"}, {Path: "boxes.key", Secret: true}, {Path: "door.code", Secret: true}}})
	const original = `{"_i18n":{"en":{"pin":"q","title":"X"}},"boxes":[{"key":"k","name":"a"}],"door":{"code":"c","name":"d"},"pin":"p","title":"x"}`
	for _, tc := range []struct{ name, set, value, want string }{
		{"nothing", "title", `"x"`, original},
		{"another field", "title", `"y"`, `{"_i18n":{"en":{"pin":"q","title":"X"}},"boxes":[{"key":"k","name":"a"}],"door":{"code":"c","name":"d"},"pin":"p","title":"y"}`},
		{"beside a secret", "door.name", `"e"`, `{"_i18n":{"en":{"pin":"q","title":"X"}},"boxes":[{"key":"k","name":"a"}],"door":{"code":"c","name":"e"},"pin":"p","title":"x"}`},
		{"a secret", "pin", `"q"`, `{"_i18n":{"en":{"pin":"q","title":"X"}},"boxes":[{"key":"k","name":"a"}],"door":{"code":"c","name":"d"},"pin":"q","title":"x"}`},
		{"a list with secrets", "boxes", `[]`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, err := jsondoc.ParseObject(core.Doc(original))
			if err != nil {
				t.Fatal(err)
			}
			own := conceal(typ, doc)
			if got := string(jsondoc.Encode(own)); got != `{"_i18n":{"en":{"title":"X"}},"boxes":[{"name":"a"}],"door":{"name":"d"},"title":"x"}` {
				t.Fatalf("it is shown %s", got)
			}
			value, err := jsondoc.Parse([]byte(tc.value))
			if err != nil {
				t.Fatal(err)
			}
			jsondoc.Set(own, tc.set, value)
			err = reveal(typ, own, doc)
			if (err != nil) != (tc.want == "") {
				t.Fatalf("got %v", err)
			}
			if got := string(jsondoc.Encode(own)); err == nil && got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Of a type that nobody knows any more, nothing is shown.
func TestConceal_unknownType(t *testing.T) {
	t.Parallel()
	c := core.Commit{Changes: []core.Change{{Type: "gone", Draft: core.Doc(`{"pin":"p"}`), Published: core.NullDoc}}}
	Conceal(noTypes{}, &c)
	if got := c.Changes[0]; got.Draft != nil || !core.IsNull(got.Published) {
		t.Errorf("it shows %s, %s", got.Draft, got.Published)
	}
}

type noTypes struct{}

func (noTypes) Type(core.TypeName) (*core.Type, bool) { return nil, false }
func (noTypes) Types() []*core.Type                   { return nil }
