package jsondoc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       any
	}{
		{"object", `{"a": [1, 2.50, "é", true, null, {}]}`, map[string]any{"a": []any{json.Number("1"), json.Number("2.50"), "é", true, nil, map[string]any{}}}},
		{"escapes", `"\u00e9\n\ud83d\ude00\u0000"`, "é\n😀\x00"},
		{"a number as it was written", `1e2`, json.Number("1e2")},
		{"white space around", " \n{}\t", map[string]any{}},
		{"operators are only keys", `{"$where": "1", "__proto__": {}, "a.b": 1}`, map[string]any{"$where": "1", "__proto__": map[string]any{}, "a.b": json.Number("1")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := jsondoc.Decode([]byte(tc.text), jsondoc.Default)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecode_refuses(t *testing.T) {
	t.Parallel()
	small := jsondoc.Limits{Bytes: 100, Depth: 3, Nodes: 8, Keys: 3, Digits: 5, Exponent: 10}
	for _, tc := range []struct {
		name, text string
		code       core.Code
		says       string
	}{
		{"nothing", ``, core.CodeBadRequest, "empty"},
		{"cut off", `{"a": [1, 2`, core.CodeBadRequest, "ends too early"},
		{"two values", `{} {}`, core.CodeBadRequest, "more than one"},
		{"a key twice", `{"role": 1, "role": 2}`, core.CodeBadRequest, "twice"},
		{"a key twice by its escape", `{"role": 1, "r\u006fle": 2}`, core.CodeBadRequest, "twice"},
		{"a case variant", `{"role": "editor", "ROLE": "admin"}`, core.CodeBadRequest, `"ROLE" and "role" differ only by case`},
		{"too deep", `[[[[1]]]]`, core.CodeBadRequest, "levels"},
		{"too many values", `[1,2,3,4,5,6,7,8]`, core.CodeBadRequest, "values"},
		{"too many members", `{"a":1,"b":1,"c":1,"d":1}`, core.CodeBadRequest, "members"},
		{"too many digits", `123456`, core.CodeBadRequest, "digits"},
		{"leading zeros after the point count", `0.00001`, core.CodeBadRequest, "digits"},
		{"a huge exponent", `1e1000001`, core.CodeBadRequest, "exponent"},
		{"a tiny exponent", `1e-11`, core.CodeBadRequest, "exponent"},
		{"an exponent beyond int", `1e99999999999999999999`, core.CodeBadRequest, "exponent"},
		{"NaN", `NaN`, core.CodeBadRequest, "cannot be read"},
		{"invalid UTF-8", "\"\xff\"", core.CodeBadRequest, "UTF-8"},
		{"a lone surrogate", `"\ud800"`, core.CodeBadRequest, "cannot be read"},
		{"a byte order mark", "\uFEFF{}", core.CodeBadRequest, "cannot be read"},
		{"too long", `"` + strings.Repeat("a", 100) + `"`, core.CodeTooLarge, "100 are allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := jsondoc.Decode([]byte(tc.text), small)
			if core.CodeOf(err) != tc.code || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, %v; want %s saying %q", got, err, tc.code, tc.says)
			}
		})
	}
}

func TestDecode_saysWhere(t *testing.T) {
	t.Parallel()
	_, err := jsondoc.Decode([]byte(`{"steps": [{"date": 1e999}]}`), jsondoc.Default)
	if err == nil || !strings.Contains(err.Error(), "/steps/0/date") {
		t.Errorf("got %v, want the pointer /steps/0/date", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e3,"x",null,true,{"b":{}}]}`))
	f.Add([]byte(`{"a":1,"A":2}`))
	f.Add([]byte(`[[[[[`))
	f.Add([]byte(`1e999999999`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := jsondoc.Decode(data, jsondoc.Default)
		if err != nil {
			if c := core.CodeOf(err); c != core.CodeBadRequest && c != core.CodeTooLarge {
				t.Fatalf("code %s for %q", c, data)
			}
			return
		}
		text := jsondoc.Encode(v)
		again, err := jsondoc.Parse(text)
		if err != nil {
			t.Fatalf("%q became %q, which cannot be read: %v", data, text, err)
		}
		if diff := cmp.Diff(v, again); diff != "" {
			t.Fatalf("%q is another after a round trip: %s", data, diff)
		}
		if m, ok := v.(map[string]any); ok {
			n := 0
			for key, raw := range jsondoc.Members(text) {
				n++
				if got, err := jsondoc.Parse(raw); err != nil || !jsondoc.Equal(got, m[key]) {
					t.Fatalf("member %q of %s: %s", key, text, raw)
				}
			}
			if n != len(m) {
				t.Fatalf("%d members of %d in %s", n, len(m), text)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`{"title":"` + strings.Repeat("Référendum ", 20) + `","body":"` + strings.Repeat("Depuis lors, le panel tiré au sort. ", 60) + `","commune":{"code":"62404","nom":"Halloy"},"tags":["vélo","logement"],"population":201,"score":73}`)
	b.SetBytes(int64(len(text)))
	b.Run("strict", func(b *testing.B) {
		for b.Loop() {
			if _, err := jsondoc.Decode(text, jsondoc.Default); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stored", func(b *testing.B) {
		for b.Loop() {
			if _, err := jsondoc.Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("members", func(b *testing.B) {
		for b.Loop() {
			for range jsondoc.Members(text) {
			}
		}
	})
}
