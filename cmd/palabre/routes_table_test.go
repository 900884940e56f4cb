package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// column is a caller, and whose entry the caller asks about.
type column struct{ head, who, owner string }

var columns = []column{
	{"none", "stranger", "others"}, {"publ", "public", "others"}, {"read", "reader", "others"}, {"memb", "member", "others"}, {"part", "partner", "others"},
	{"comm", "committee", "others"}, {"jury", "jury", "others"}, {"own", "contributor", "own"}, {"oth", "contributor", "others"}, {"edit", "editor", "others"},
	{"coor", "coordinator", "others"}, {"admi", "administrator", "others"}, {"link", "link", "linked"}, {"else", "link", "others"}, {"in", "east", "inside"}, {"out", "east", "others"},
}

const policyLegend = `# Who may do what: the answer to each caller, by the route and the entry that it is about. TestRoutes compares the running
# server with it; PALABRE_TEST_GOLDEN=write go test ./cmd/palabre -run TestRoutes writes it.
#
# none nobody signed in    publ, read, memb, part, comm, jury, edit, coor, admi: a token of the role public, reader, member,
# partner, committee, jury, editor, coordinator, administrator    own, oth: a contributor, with an entry of its own and with
# somebody else's    link, else: the holder of a link to a paper, with this one and with another    in, out: a role with a
# rule on rows, with an entry inside it and with one outside
#
# 2xx it was done    401 sign in    403 no    404 it is absent, or is not to be seen    400, 409, 422 the right is there,
# what was asked makes no sense here
`

// policyTable is the statuses by section and row, as the file has them.
type policyTable struct{ sections []policySection }

type policySection struct {
	title string
	rows  []policyRow
}

type policyRow struct {
	label    string
	statuses []int
}

func (p *policyTable) add(section, label string, statuses []int) {
	if n := len(p.sections); n == 0 || p.sections[n-1].title != section {
		p.sections = append(p.sections, policySection{title: section})
	}
	s := &p.sections[len(p.sections)-1]
	s.rows = append(s.rows, policyRow{label, statuses})
}

const labelWidth = 68

func (r *policyRow) String() string {
	line := fmt.Sprintf("%-*s", labelWidth, r.label)
	for _, status := range r.statuses {
		line += fmt.Sprintf(" %4d", status)
	}
	return line
}

// String writes the table for readers.
func (p *policyTable) String() string {
	var b strings.Builder
	b.WriteString(policyLegend)
	for i := range p.sections {
		fmt.Fprintf(&b, "\n%-*s", labelWidth, "== "+p.sections[i].title)
		for _, c := range columns {
			fmt.Fprintf(&b, " %4s", c.head)
		}
		b.WriteByte('\n')
		for j := range p.sections[i].rows {
			b.WriteString(p.sections[i].rows[j].String() + "\n")
		}
	}
	return b.String()
}

// rows finds the rows by section and label.
func (p *policyTable) rows() map[string]string {
	return rowsOf(p.String())
}

func rowsOf(text string) map[string]string {
	rows, section := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "== "):
			section = strings.TrimSpace(line[3:min(labelWidth, len(line))])
		case len(line) > labelWidth:
			rows[section+": "+strings.TrimSpace(line[:labelWidth])] = line[labelWidth:]
		}
	}
	return rows
}

// compare holds the table against a file, or writes it.
func (p *policyTable) compare(t *testing.T, file string) {
	t.Helper()
	if os.Getenv("PALABRE_TEST_GOLDEN") == "write" {
		if err := os.WriteFile(file, []byte(p.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, want := p.rows(), rowsOf(string(text))
	for row, statuses := range got {
		switch listed, ok := want[row]; {
		case !ok:
			t.Errorf("%s has no row for %q: it answers\n%s", file, row, statuses)
		case listed != statuses:
			t.Errorf("%s\n got %s\nwant %s", row, statuses, listed)
		}
	}
	for row := range want {
		if _, ok := got[row]; !ok {
			t.Errorf("%s has a row for %q, which is gone", file, row)
		}
	}
	if !t.Failed() && p.String() != string(text) {
		t.Errorf("%s has other words around its rows than the test", file)
	}
}

// statuses asks a question as every caller. An entry that an answer may have changed is not asked about again.
func (c *cast) statuses(s *section, q question) []int {
	c.t.Helper()
	fresh, links := map[string]string{}, map[string]string{}
	var all []int
	for _, col := range columns {
		if fresh[col.owner] == "" && q.about {
			id := s.make(col.owner)
			if fresh[col.owner] = id; col.owner == "linked" && s.typ == "paper" {
				links[id] = c.linkTo(id)
			}
			c.prepare(s, q, id)
		}
		id := fresh[col.owner]
		token := c.tokens[col.who]
		if links[id] != "" {
			token = links[id]
		}
		a := c.put(s, q, token, col.owner, id)
		if q.spends && a.Status < 300 {
			delete(fresh, col.owner)
		}
		c.otherSpellings(q, token, col, id, a)
		all = append(all, a.Status)
	}
	return all
}

// prepare brings an entry where the question makes sense.
func (c *cast) prepare(s *section, q question, id string) {
	at := "/api/v1/content/" + s.typ + "/" + id
	switch q.before {
	case "":
	case "delete":
		c.must(http.StatusNoContent, "administrator", "DELETE", at, nil)
	default:
		c.as("administrator", "POST", at+"/transitions/"+q.before, nil) // what is published cannot be submitted
	}
}

func (c *cast) put(s *section, q question, token, owner, id string) *answer {
	c.t.Helper()
	var body any
	if q.body != nil {
		body = q.body(c, s, owner, id)
	}
	return c.bearing(token, q.method, strings.ReplaceAll(q.path, "{id}", id), body)
}

// otherSpellings asks the same in other words: none may be answered better than the plain ones.
func (c *cast) otherSpellings(q question, token string, col column, id string, plain *answer) {
	c.t.Helper()
	path := strings.ReplaceAll(q.path, "{id}", id)
	if q.method == http.MethodGet {
		if head := c.bearing(token, http.MethodHead, path, nil); head.Status != plain.Status || len(head.Body) > 0 {
			c.t.Errorf("HEAD %s as %s: %d %q, GET %d", path, col.who, head.Status, head.Body, plain.Status)
		}
	}
	if !spelling[col.head] {
		return
	}
	if a := c.bearing(token, http.MethodOptions, path, nil); a.Status < 400 && (a.Status != http.StatusNoContent || len(a.Body) > 0) {
		c.t.Errorf("OPTIONS %s as %s: %d %s", path, col.who, a.Status, a.Body)
	}
	for _, other := range spellings(path) {
		if a := c.bearing(token, q.method, other, map[string]any{}); a.Status < 300 {
			c.t.Errorf("%s %s as %s: %d", q.method, other, col.who, a.Status)
		}
	}
}

// spelling are the columns in which other spellings are tried: who may do nothing, something, everything.
var spelling = map[string]bool{"none": true, "own": true, "admi": true}

var lastSlash = regexp.MustCompile(`/([^/?]*)(\?.*)?$`)

// spellings are other ways to write a path that a router might take for the same.
func spellings(path string) []string {
	bare, query, _ := strings.Cut(path, "?")
	if query != "" {
		query = "?" + query
	}
	if bare == "/" {
		return []string{"//", "/./", "/%2f"}
	}
	all := []string{bare + "/" + query, bare + "//" + query, "/" + bare + query, "/." + bare + query, lastSlash.ReplaceAllString(bare, "//$1") + query,
		lastSlash.ReplaceAllString(bare, "/./$1") + query, lastSlash.ReplaceAllString(bare, "%2f$1") + query, bare + "%2f" + query, bare + "/." + query, bare + "/x/.." + query,
		strings.ToUpper(bare) + query}
	return slices.DeleteFunc(all, func(p string) bool { return p == path || p[0] != '/' })
}

// assetOf is a file that the pages name.
func (c *cast) assetOf() string {
	m := regexp.MustCompile(`/assets/([A-Za-z0-9._-]+\.css)`).FindSubmatch(c.as("stranger", "GET", "/", nil).Body)
	if m == nil {
		c.t.Fatal("the home page names no style sheet")
	}
	return string(bytes.TrimSpace(m[1]))
}
