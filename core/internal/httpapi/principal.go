package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const (
	waitHeader     = "Wait-For-Position"
	positionHeader = "Content-Position"
	maxToken       = 512
	maxWaiters     = 256
)

// identify finds out who asks: by the Authorization header, which must hold where there is one, else by a session's
// cookie, else it is anyone.
func (s *Server) identify(q *request, r *http.Request) error {
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return s.identifyByCookie(q, r)
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	token = strings.TrimSpace(token)
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return badToken()
	}
	who, err := s.o.Access.Authenticate(r.Context(), token)
	if err != nil {
		return err
	}
	q.who = who
	return nil
}

// identity tells callers apart in the cache: two with the same one see the same. Who has changed is another one.
func identity(p *core.Principal) string {
	if p.Anonymous() {
		return ""
	}
	return p.ID + "\x00" + strconv.FormatInt(p.Rev, 36) + "\x00" + strings.Join(p.Roles, "\x00")
}

// waitForPosition holds a read back until this node has seen what its caller has written elsewhere.
func (s *Server) waitForPosition(r *http.Request) error {
	given := r.Header[waitHeader]
	if len(given) == 0 {
		return nil
	}
	n, err := strconv.ParseUint(given[0], 10, 63)
	if err != nil {
		return core.Refuse(core.CodeBadRequest, "", "Wait-For-Position must be a number, as Content-Position gave it.",
			"Wait-For-Position doit être un nombre, tel que Content-Position l’a donné.")
	}
	if s.o.Catalog.Position() >= core.Position(n) {
		return nil
	}
	return s.await(r.Context(), core.Position(n))
}

func (s *Server) await(ctx context.Context, p core.Position) error {
	defer s.waiters.Add(-1)
	if s.waiters.Add(1) > maxWaiters {
		return busy()
	}
	limited, cancel := context.WithTimeout(ctx, s.o.WaitFor)
	defer cancel()
	if err := s.o.Catalog.Wait(limited, p); err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return retryAfter(core.Refuse(core.CodeUnavailable, "", "This server has not seen that position yet. Ask again in a moment.",
		"Ce serveur n’a pas encore atteint cette position. Réessayez dans un instant."), time.Second)
}
