package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// proof reads what may be asked for again: nothing of an account that signs in elsewhere.
func (s *Server) proof(c *gin.Context) (p core.Proof, err error) {
	if err := onlyParams(c.Request); err != nil {
		return p, err
	}
	body, _, err := s.optionalObject(c)
	if err != nil {
		return p, err
	}
	in, err := texts(body, "", "password", "code")
	return core.Proof{Password: in["password"], Code: in["code"]}, err
}

func beginTOTP(s *Server, c *gin.Context) error {
	p, err := s.proof(c)
	if err != nil {
		return err
	}
	setup, err := s.o.Accounts.BeginTOTP(c.Request.Context(), of(c).who, p)
	if err != nil {
		return err
	}
	reply(c, http.StatusOK, mustJSON(setup))
	return nil
}

func confirmTOTP(s *Server, c *gin.Context) error {
	in, err := s.words(c, "code")
	if err != nil {
		return err
	}
	codes, err := s.o.Accounts.ConfirmTOTP(c.Request.Context(), of(c).who, in["code"])
	if err != nil {
		return err
	}
	replyRecovery(c, codes)
	return nil
}

func replyRecovery(c *gin.Context, codes []string) {
	reply(c, http.StatusOK, mustJSON(map[string]any{"recovery": codes}))
}

// dropTOTP ends every session of the account, this one too.
func dropTOTP(s *Server, c *gin.Context) error {
	p, err := s.proof(c)
	if err != nil {
		return err
	}
	if err := s.o.Accounts.DropTOTP(c.Request.Context(), of(c).who, p); err != nil {
		return err
	}
	s.setCookie(c.Writer.Header(), sessionName, "", time.Time{})
	done(c)
	return nil
}

func newRecoveryCodes(s *Server, c *gin.Context) error {
	p, err := s.proof(c)
	if err != nil {
		return err
	}
	codes, err := s.o.Accounts.NewRecoveryCodes(c.Request.Context(), of(c).who, p)
	if err != nil {
		return err
	}
	replyRecovery(c, codes)
	return nil
}
