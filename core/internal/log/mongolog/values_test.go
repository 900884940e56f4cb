package mongolog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func decimal128(t *testing.T, s string) bson.Decimal128 {
	t.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestValues_Numbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		json string
		want any
	}{
		{"0", int64(0)},
		{"-0", int64(0)},
		{"9223372036854775807", int64(9223372036854775807)},
		{"-9223372036854775808", int64(-9223372036854775808)},
		{"9223372036854775808", decimal128(t, "9223372036854775808")},
		{"0.1", 0.1},
		{"1.0", 1.0},
		{"1e2", 100.0},
		{"0.0", 0.0},
		{"1E-7", 1e-7},
		{"0.10", 0.1},
		{"123456789.123456789123", decimal128(t, "123456789.123456789123")},
		{"1e308", 1e308},
		{"1e309", decimal128(t, "1e309")},
		{"1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890"},
		{"1e7000", "1e7000"},
		{"5e-324", 5e-324},
	} {
		if got := (values{decimals: true}).number(tc.json); !cmp.Equal(tc.want, got, cmp.AllowUnexported(bson.Decimal128{})) {
			t.Errorf("%s: got %T %v, want %T %v", tc.json, got, got, tc.want, tc.want)
		}
	}
	if got := (values{}).number("0.12345678901234567890123"); got != "0.12345678901234567890123" {
		t.Errorf("a server without decimals: got %T %v, want the text", got, got)
	}
}

func TestValues_DocumentsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"too deep":  strings.Repeat(`{"a":`, 95) + "1" + strings.Repeat("}", 95),
		"too large": "[" + strings.Repeat("1,", 700_000) + "1]",
		"not JSON":  `{"a"`,
	} {
		want := bson.D{{Key: "_json", Value: doc}}
		if got := (values{}).document(core.Doc(doc)); !cmp.Equal(want, got) {
			t.Errorf("%s: got %.60v", name, got)
		}
	}
	for _, doc := range []core.Doc{nil, core.NullDoc} {
		if got := (values{}).document(doc); got != nil {
			t.Errorf("%s: got %v, want nil", doc, got)
		}
	}
}
