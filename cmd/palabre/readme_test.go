package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const readmePath = "../../README.md"

// TestReadme runs every curl command of the README against the demo and compares what the README says is answered.
// PALABRE_TEST_GOLDEN=write writes the answers into it instead.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	tour := newTour(t)
	rewritten := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string { return tour.block(t, block) })
	if tour.commands < 8 {
		t.Errorf("the README has %d commands only: is the pattern still right?", tour.commands)
	}
	if os.Getenv("PALABRE_TEST_GOLDEN") == "write" {
		if err := os.WriteFile(readmePath, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if rewritten != string(text) {
		t.Errorf("the README does not tell what the demo answers; make golden rewrites it. %s", firstDifference(string(text), rewritten))
	}
}

var (
	consoleBlock = regexp.MustCompile("(?s)```console\n.*?\n```")
	curlCommand  = regexp.MustCompile(`(?m)^\$ curl (?:.*\\\n)*.*$`)
)

// tour is the demo that the README walks through.
type tour struct {
	handler  http.Handler
	commands int
	last     string // the identifier of the entry that was made last
}

const tourToken = "pal_readme-readme-readme-readme-readme-readme"

func newTour(t *testing.T) *tour {
	t.Helper()
	c := config.Default()
	c.Data, c.Demo, c.Admin.Token = t.TempDir(), true, tourToken
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &tour{handler: a.Handler()}
}

// block gives a block of commands with their true answers; one without curl stays as it is.
func (s *tour) block(t *testing.T, block string) string {
	t.Helper()
	commands := curlCommand.FindAllString(block, -1)
	if commands == nil {
		return block
	}
	var b strings.Builder
	b.WriteString("```console\n")
	for _, command := range commands {
		b.WriteString(command + "\n" + s.run(t, command) + "\n")
	}
	b.WriteString("```")
	return b.String()
}

// run performs a command as curl would.
func (s *tour) run(t *testing.T, command string) string {
	t.Helper()
	s.commands++
	command = strings.NewReplacer("$TOKEN", tourToken, "$ID", s.last, "\\\n", " ").Replace(command)
	method, url, body, header := "", "", "", http.Header{}
	words := shellWords(command)[2:]
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-s", "-g", "-sg":
		case "-X":
			i++
			method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			header.Set(name, value)
		case "-d", "--json":
			body = words[i+1]
			if words[i] == "--json" {
				header.Set("Content-Type", "application/json")
			}
			i++
			if method == "" {
				method = http.MethodPost
			}
		default:
			url = words[i]
		}
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return s.shown(t, w.Body.Bytes())
}

// shellWords splits a command line with single and double quotes.
func shellWords(command string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(command, -1) {
		words = append(words, m[1]+m[2]+m[3])
	}
	return words
}

// What differs from run to run is shown as an ellipsis.
var changing = regexp.MustCompile(`"(_createdAt|_updatedAt|_publishedAt|next|requestId)":"[^"]*"`)

var identifier = regexp.MustCompile(`"(?:token:)?([0-9a-z]{26})"`)

func (s *tour) shown(t *testing.T, body []byte) string {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	text := compact.String()
	if m := identifier.FindStringSubmatch(text); m != nil && strings.Contains(text, `"_rev"`) {
		s.last = m[1]
	}
	text = changing.ReplaceAllString(text, `"$1":"…"`)
	return layout([]byte(identifier.ReplaceAllString(text, `"…"`)), "")
}

// layout writes compact JSON for readers: what is short stays on a line, and members stay in their order.
func layout(text []byte, indent string) string {
	const short = 110
	if len(indent)+len(text) <= short || text[0] != '{' && text[0] != '[' {
		return string(text)
	}
	var parts []string
	if text[0] == '{' {
		for name, value := range jsondoc.Members(text) {
			parts = append(parts, indent+"  "+strconv.Quote(name)+": "+layout(value, indent+"  "))
		}
		return "{\n" + strings.Join(parts, ",\n") + "\n" + indent + "}"
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return string(text)
	}
	for _, item := range items {
		parts = append(parts, indent+"  "+layout(item, indent+"  "))
	}
	return "[\n" + strings.Join(parts, ",\n") + "\n" + indent + "]"
}

func firstDifference(a, b string) string {
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			return "It says " + linesA[i] + " where the answer is " + linesB[i]
		}
	}
	return "It has another length."
}
