package jsondoc_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Walk and Members see the same, whatever the text.
func FuzzWalk(f *testing.F) {
	for _, doc := range []string{``, `{`, `{}`, `[]`, `{"a":1}`, `{"a":1,"b":"x\\\"y","c":{"d":[1,{"e":"}"}]}}`, `{"é":null,"\"":[]}`, `{"a":`, `{"a"}`, `{"a":1,}`, `{"a":1 "b":2}`, `x"a":1`, `1"a":1`} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		w := jsondoc.Walk([]byte(doc))
		for name, value := range jsondoc.Members([]byte(doc)) {
			if !w.Next() || w.Name != name || doc[w.Value:w.To] != string(value) || w.From >= w.Value {
				t.Fatalf("%q: at %+v, want %q: %s", doc, w, name, value)
			}
		}
		if w.Next() {
			t.Fatalf("%q: %q is too much", doc, w.Name)
		}
	})
}
