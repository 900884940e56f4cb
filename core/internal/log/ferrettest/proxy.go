package ferrettest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// proxy stands between client and server, so that a test can take the server away, or the answers only.
type proxy struct {
	address string // its own, the same after every start
	target  string
	mute    atomic.Bool

	// oneByOne lets the server work on one request at a time. FerretDB updates in two steps, finding and replacing, that
	// another request can come between; MongoDB does not.
	oneByOne bool
	turn     sync.Mutex

	mu       sync.Mutex
	listener net.Listener // nil while stopped
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

func newProxy(address, target string) *proxy {
	return &proxy{address: address, target: target, conns: map[net.Conn]bool{}}
}

func (p *proxy) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.listener, p.address = listener, listener.Addr().String()
	p.running.Go(func() { p.accept(listener) })
	return nil
}

// stop refuses new connections and cuts those that are open.
func (p *proxy) stop() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.join(client) })
	}
}

// join passes messages between a client and the server until one side ends.
func (p *proxy) join(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	if !p.keep(client, server) {
		return
	}
	defer p.drop(client, server)
	if p.oneByOne {
		p.converse(client, server)
		return
	}
	p.running.Go(func() {
		defer p.drop(client, server)
		io.Copy(server, client)
	})
	p.answers(client, server)
}

// answers passes the server's answers on, and loses them while the proxy is mute.
func (p *proxy) answers(client, server net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if p.mute.Load() {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// converse passes one request at a time, of all clients, and its answer.
func (p *proxy) converse(client, server net.Conn) {
	for {
		request, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := p.ask(server, request)
		if err != nil {
			return
		}
		if p.mute.Load() {
			continue
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

func (p *proxy) ask(server net.Conn, request []byte) ([]byte, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	return readMessage(server)
}

// readMessage reads a message of MongoDB's protocol, which begins with its length.
func readMessage(conn net.Conn) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	size := int(binary.LittleEndian.Uint32(head))
	if size < 16 || size > 64<<20 {
		return nil, errors.New("ferrettest: not a message")
	}
	message := append(head, make([]byte, size-4)...)
	_, err := io.ReadFull(conn, message[4:])
	return message, err
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.listener == nil {
			conn.Close()
		} else {
			p.conns[conn] = true
		}
	}
	return p.listener != nil
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
		delete(p.conns, conn)
	}
}
