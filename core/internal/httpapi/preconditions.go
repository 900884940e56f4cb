package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// revTag is the entity tag of a revision, as a write answers it and If-Match names it.
func revTag(rev int64) string { return `"` + itoa(rev) + `"` }

// ifMatch reads which revision a write is meant for: 0 for any. The tag of a read ("7-…") names its revision as well as
// "7" does. "*" is whatever there is now, and of several tags the one that is current counts.
func (s *Server) ifMatch(c *gin.Context, name core.TypeName, id core.EntryID) (int64, error) {
	lines := c.Request.Header["If-Match"]
	if len(lines) == 0 {
		return 0, nil
	}
	header := strings.TrimSpace(strings.Join(lines, ","))
	if header == "*" {
		return s.currentRev(c, name, id), nil
	}
	revs, err := revisions(header)
	if err != nil {
		return 0, err
	}
	if len(revs) > 1 {
		now := s.currentRev(c, name, id)
		for _, rev := range revs {
			if rev == now {
				return rev, nil
			}
		}
	}
	return revs[0], nil
}

// currentRev is only a guess at what the write will meet: the write path compares again.
func (s *Server) currentRev(c *gin.Context, name core.TypeName, id core.EntryID) int64 {
	e, err := s.o.Catalog.Entry(c.Request.Context(), name, id)
	if err != nil {
		return 0
	}
	return e.Rev
}

func revisions(header string) ([]int64, error) {
	var revs []int64
	for one := range strings.SplitSeq(header, ",") {
		rev, err := revision(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		revs = append(revs, rev)
	}
	return revs, nil
}

func revision(tag string) (int64, error) {
	if strings.HasPrefix(tag, "W/") {
		return 0, core.Refuse(core.CodeStale, "", "If-Match compares strongly: a weak tag never matches. Send the revision, like If-Match: \"7\".",
			"If-Match compare strictement : une étiquette faible ne correspond jamais. Envoyez la révision, par exemple If-Match: \"7\".")
	}
	text, ok := strings.CutPrefix(tag, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	number, _, _ := strings.Cut(text, "-")
	rev, err := strconv.ParseInt(number, 10, 64)
	if !ok || !closed || err != nil || rev < 1 {
		return 0, core.Refuse(core.CodeBadRequest, "", "If-Match must name a revision in quotes, like If-Match: \"7\".",
			"If-Match doit donner une révision entre guillemets, par exemple If-Match: \"7\".")
	}
	return rev, nil
}

// idempotencyKey reads the Idempotency-Key of a POST. What is kept of it is a hash that only the same caller can make
// again, and a hash of it and what was asked: without the key, which is not kept, nobody can try what a body held that was
// erased since.
func idempotencyKey(r *http.Request, who *core.Principal, body []byte) (*core.Key, error) {
	given := r.Header["Idempotency-Key"]
	if len(given) == 0 || r.Method != http.MethodPost {
		return nil, nil
	}
	if len(given) > 1 || !printable(given[0]) {
		return nil, core.Refuse(core.CodeBadRequest, "", "Idempotency-Key must be one text of 1 to 255 printable ASCII characters.",
			"Idempotency-Key doit être un texte de 1 à 255 caractères ASCII imprimables.")
	}
	return &core.Key{Hash: hashed(who.ID, given[0]), Request: hashed(given[0], r.Method, r.URL.Path, r.URL.RawQuery, string(body))}, nil
}

func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// hashed hashes parts so that no two lists of parts run together.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(itoa(int64(len(p))) + ":" + p)) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}
