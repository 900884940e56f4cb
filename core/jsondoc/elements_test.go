package jsondoc_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

func TestElements(t *testing.T) {
	for _, tc := range []struct{ array, want string }{
		{`[]`, ""}, {`[1]`, "1;"}, {`[1,"a,]",[2,3],{"b":[4]},null]`, `1;"a,]";[2,3];{"b":[4]};null;`},
		{`{}`, ""}, {``, ""}, {`[`, ""}, {`[1`, "1;"}, {`["`, `";`}, {`[[`, "[;"},
	} {
		got := ""
		for v := range jsondoc.Elements([]byte(tc.array)) {
			got += string(v) + ";"
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.array, got, tc.want)
		}
	}
}
