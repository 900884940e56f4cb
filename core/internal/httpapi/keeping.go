package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// rebuildCatalog takes as long as it takes: no deadline of this server bounds an answer.
func rebuildCatalog(s *Server, c *gin.Context) error {
	return s.keep(c, func(ctx context.Context) (any, error) { return s.o.Keeper.Rebuild(ctx) })
}

func verifyCatalog(s *Server, c *gin.Context) error {
	return s.keep(c, func(ctx context.Context) (any, error) { return s.o.Keeper.Verify(ctx) })
}

// keep runs an operation until it is done, the caller leaves or the server ends, whichever comes first.
func (s *Server) keep(c *gin.Context, operation func(ctx context.Context) (any, error)) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	return s.keepOn(c, http.StatusOK, operation)
}

func (s *Server) keepOn(c *gin.Context, status int, operation func(ctx context.Context) (any, error)) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	go s.cancelAtEnd(ctx, cancel)
	done, err := operation(ctx)
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() == nil {
		return &core.Error{Code: core.CodeUnavailable, Message: "The server is ending. Start again when it is back.",
			Texts: core.Text{"en": "The server is ending. Start again when it is back.", "fr": "Le serveur s’arrête. Recommencez quand il sera de retour."}}
	}
	if err != nil {
		c.Writer.Header().Del("Content-Disposition")
		return err
	}
	reply(c, status, mustJSON(done))
	return nil
}

// allowKeeping asks for the right on the store as a whole.
func (s *Server) allowKeeping(c *gin.Context, q *request, action core.Action) error {
	_, err := s.o.Access.Scope(c.Request.Context(), q.who, s.store, action)
	return err
}
