package schema_test

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/schema"
)

// The guide to content types knows every annotation, and its examples are types.
func TestGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/content-types.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range schema.Keywords() {
		if regexp.MustCompile(`^x-`).MatchString(name) && !regexp.MustCompile("`\"?"+name+"[`\"]").Match(text) {
			t.Errorf("the guide does not know %s", name)
		}
	}
	examples := regexp.MustCompile("(?s)```json type\n(.*?)```").FindAllSubmatch(text, -1)
	if len(examples) < 2 {
		t.Fatal("the guide has no examples")
	}
	for _, e := range examples {
		if _, err := new(schema.Compiler).Compile(context.Background(), e[1]); err != nil {
			t.Errorf("%s\n%s", said(err), e[1])
		}
	}
}
