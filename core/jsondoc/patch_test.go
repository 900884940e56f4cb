package jsondoc_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	m, err := jsondoc.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The examples of RFC 7396, appendix A, that are objects.
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target := object(t, tc.target)
		if got := string(jsondoc.Encode(jsondoc.Merge(target, object(t, tc.patch)))); got != tc.want {
			t.Errorf("Merge(%s, %s) = %s, want %s", tc.target, tc.patch, got, tc.want)
		}
		if got := string(jsondoc.Encode(target)); got != string(jsondoc.Encode(object(t, tc.target))) {
			t.Errorf("the target %s became %s", tc.target, got)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to, want string }{
		{`{"a":1}`, `{"a":1.0}`, `null`},
		{`{"a":1,"b":2}`, `{"b":3,"c":null}`, `[{"op":"remove","path":"/a"},{"op":"replace","path":"/b","value":3},{"op":"add","path":"/c","value":null}]`},
		{`{"l":[1,2,3]}`, `{"l":[1,3]}`, `[{"op":"remove","path":"/l/1"}]`},
		{`{"l":[1,3]}`, `{"l":[1,2,3]}`, `[{"op":"add","path":"/l/1","value":2}]`},
		{`{"a/b":{"~":1}}`, `{"a/b":{"~":2}}`, `[{"op":"replace","path":"/a~1b/~0","value":2}]`},
	} {
		got, err := json.Marshal(jsondoc.Diff(object(t, tc.from), object(t, tc.to)))
		if err != nil || string(got) != tc.want {
			t.Errorf("Diff(%s, %s) = %s, want %s (%v)", tc.from, tc.to, got, tc.want, err)
		}
	}
}

func TestApplyPatch_refuses(t *testing.T) {
	t.Parallel()
	doc := object(t, `{"a":[1],"b":{"c":1}}`)
	for _, op := range []jsondoc.PatchOp{
		{Op: "remove", Path: "/x"},
		{Op: "remove", Path: ""},
		{Op: "replace", Path: "/a/1", Value: 1},
		{Op: "add", Path: "/a/3", Value: 1},
		{Op: "add", Path: "/a/01", Value: 1},
		{Op: "add", Path: "/x/y", Value: 1},
		{Op: "test", Path: "/b/c", Value: json.Number("2")},
		{Op: "move", From: "/x", Path: "/y"},
		{Op: "increase", Path: "/b/c"},
	} {
		if got, err := jsondoc.ApplyPatch(doc, []jsondoc.PatchOp{op}); err == nil {
			t.Errorf("%+v gave %v", op, got)
		}
	}
	if got := string(jsondoc.Encode(doc)); got != `{"a":[1],"b":{"c":1}}` {
		t.Errorf("the document became %s", got)
	}
}

// Whatever two documents are, the difference leads from one to the other.
func TestDiff_leadsThere(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		from, to := randomObject(r, 3), randomObject(r, 3)
		ops := jsondoc.Diff(from, to)
		got, err := jsondoc.ApplyPatch(from, ops)
		if err != nil {
			t.Fatalf("%s to %s: %v", jsondoc.Encode(from), jsondoc.Encode(to), err)
		}
		if diff := cmp.Diff(any(to), got); diff != "" {
			t.Fatalf("%s by %v: %s", jsondoc.Encode(from), ops, diff)
		}
	}
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	m := map[string]any{}
	for range r.IntN(4) {
		m[string(rune('a'+r.IntN(4)))] = randomValue(r, depth-1)
	}
	return m
}

func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(6); {
	case n == 0 && depth > 0:
		return randomObject(r, depth)
	case n == 1 && depth > 0:
		list := []any{}
		for range r.IntN(5) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	case n == 2:
		return nil
	case n == 3:
		return r.IntN(2) == 0
	case n == 4:
		return json.Number([]string{"1", "2", "3"}[r.IntN(3)])
	default:
		return []string{"x", "y"}[r.IntN(2)]
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	doc := object(t, `{"a":{"b":[{"c":1},{"c":null},{"c":[2,3]},{"d":4}]},"e":"x"}`)
	for path, want := range map[string]string{"a.b.c": "[1,2,3]", "e": `["x"]`, "e.f": "[]", "nothing": "[]", "a.b.d": "[4]"} {
		got := append([]any{}, jsondoc.Values(doc, path)...)
		if text := string(jsondoc.Encode(got)); text != want {
			t.Errorf("Values(%s) = %s, want %s", path, text, want)
		}
	}
}

func TestSetAndDelete(t *testing.T) {
	t.Parallel()
	doc := object(t, `{"a":1}`)
	jsondoc.Set(doc, "b.c.d", "x")
	jsondoc.Set(doc, "a.e", true)
	jsondoc.Delete(doc, "b.c.nothing")
	jsondoc.Delete(doc, "nothing.at.all")
	if got, want := string(jsondoc.Encode(doc)), `{"a":{"e":true},"b":{"c":{"d":"x"}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	jsondoc.Delete(doc, "b.c.d")
	if v, ok := jsondoc.Lookup(doc, "b.c.d"); ok {
		t.Errorf("b.c.d is still %v", v)
	}
}
