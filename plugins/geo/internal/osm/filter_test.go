package osm_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		expressions []string
		want        string
	}{
		{"one value", []string{"amenity=townhall"}, "amenity=townhall"},
		{"values", []string{" amenity = townhall , library "}, "amenity=townhall,library"},
		{"the key alone", []string{"highway"}, "highway"},
		{"any value", []string{"highway=*"}, "highway"},
		{"a star between quotes is a value", []string{`highway="*"`}, `highway="*"`},
		{"two conditions", []string{"amenity=library AND access!=private"}, "amenity=library and access!=private"},
		{"two expressions", []string{"amenity=library", "name"}, "amenity=library and name"},
		{"quotes", []string{`cuisine="fast food" and name="Le \"Bon\" coin\\"`}, `cuisine="fast food" and name="Le \"Bon\" coin\\"`},
		{"a key with colons", []string{"addr:city=Mulhouse"}, "addr:city=Mulhouse"},
		{"accents", []string{"name=Hôtel-de-Ville"}, "name=Hôtel-de-Ville"},
		{"a key called and", []string{`"and"=x`}, `"and"=x`},
		{"and after a quote", []string{`name="A B"and highway`}, `name="A B" and highway`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := osm.ParseFilter(tc.expressions...)
			if err != nil || got.String() != tc.want {
				t.Fatalf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestParseFilter_errors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, expression, want string }{
		{"empty", "", "at character 1: a key like amenity comes here"},
		{"no value", "amenity=", "at character 9: a value comes here"},
		{"no value after a comma", "amenity=a,", "at character 11: a value comes here"},
		{"no key", "=townhall", "at character 1: a key"},
		{"spaces in a value", "cuisine=fast food", `at character 14: " and " or the end comes here; a value with spaces stands between quotes`},
		{"or", "amenity=a or amenity=b", `other values of the same key follow a comma`},
		{"open quote", `name="Mairie`, "at character 6: the quotation mark that opens here is not closed"},
		{"empty quotes", `name=""`, "there is nothing between the quotes"},
		{"nothing after and", "amenity=a and", "at character 14: a key"},
		{"and alone", "and", `a key stands on both sides of "and"`},
		{"star among values", "amenity=a,*", `"*" stands alone`},
		{"not any", "amenity!=*", `"*" stands alone`},
		{"refusals alone", "amenity!=bench", "asks for no tag"},
		{"control characters", "amenity=a\x00", "bytes that are no text"},
		{"accents count once", "été=à é", "at character 7"},
		{"a tilde is part of a word, not an operator", "name ~mairie", `at character 6`},
		{"too long", "a=" + strings.Repeat("b", 5000), "at most 4096 bytes"},
		{"too many values", "a=" + strings.Repeat("b,", 300) + "b", "at most 256 values"},
		{"too many conditions", strings.Repeat("a and ", 40) + "a", "at most 32 conditions"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := osm.ParseFilter(tc.expression)
			e, ok := core.AsError(err)
			if !ok || e.Code != core.CodeInvalid || !strings.Contains(e.Message, tc.want) || e.Texts["fr"] == "" {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := osm.ParseFilter(); err == nil {
		t.Error("no expression at all is a filter")
	}
}

func TestFilter_Match(t *testing.T) {
	t.Parallel()
	hall := map[string]string{"amenity": "townhall", "name": "Mairie"}
	for _, tc := range []struct {
		expression string
		want       bool
	}{
		{"amenity=townhall", true}, {"amenity=library,townhall", true}, {"amenity=Townhall", false}, {"amenity", true},
		{"highway", false}, {"amenity and name!=Mairie", false}, {"amenity and highway!=path", true}, {"amenity and name", true},
		{"amenity=town", false},
	} {
		f, err := osm.ParseFilter(tc.expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(hall); got != tc.want {
			t.Errorf("%s: got %v", tc.expression, got)
		}
	}
}

// Whatever is read is written so that it reads the same again.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"amenity=townhall,library", `name!="a \" b" and highway`, "a=* and b", `"and"="*"`, "é=à,\"\\\\\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := osm.ParseFilter(text)
		if err != nil {
			return
		}
		again, err := osm.ParseFilter(first.String())
		if len(first.String()) <= 4096 && (err != nil || !reflect.DeepEqual(first, again)) {
			t.Fatalf("%q became %q: %v", text, first, err)
		}
	})
}
