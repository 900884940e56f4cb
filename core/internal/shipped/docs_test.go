package shipped

import (
	"os"
	"strings"
	"testing"
)

// The programs that docs/website.md shows are those that stand beside it, which compile and were run.
func TestGuideShowsItsPrograms(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/website.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, fence := range map[string]string{"index.html": "```html\n", "main.go": "```go\n"} {
		program, err := os.ReadFile("../../../docs/website/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(guide), fence+string(program)+"```\n") {
			t.Errorf("docs/website.md does not show docs/website/%s as it is: copy it there", file)
		}
	}
}
