// Supervisor runs the programs of one cluster as the only process tree of a container.
//
// Each program is started as soon as its "after" probe is answered, its output goes to standard output with
// its name in front, and a line says when it is ready. All of them live and die together: if one ends, the
// others are stopped and the supervisor ends with status 1; on SIGTERM or SIGINT it stops all and ends with 0.
// Nothing is ever restarted.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// How long programs may take to end after SIGTERM.
const grace = 3 * time.Second

// Program is one entry of the settings, which are a JSON array of them.
type Program struct {
	Name  string            `json:"name"`
	Argv  []string          `json:"argv"`
	Env   map[string]string `json:"env"`
	After *Probe            `json:"after"`
	Ready *Probe            `json:"ready"`
}

// ended says which program is no longer there, and how it went.
type ended struct {
	name string
	err  error
}

func main() {
	output := &lines{to: os.Stdout}
	programs, err := load(os.Args)
	if err != nil {
		output.say("%v", err)
		os.Exit(2)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	os.Exit(run(programs, output, asked))
}

func load(args []string) ([]Program, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("usage: supervisor SETTINGS.json")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return nil, err
	}
	var programs []Program
	if err := json.Unmarshal(text, &programs); err != nil {
		return nil, fmt.Errorf("%s: %w", args[1], err)
	}
	return programs, nil
}

// run returns the status to end with, once all programs have ended.
func run(programs []Program, output *lines, asked <-chan os.Signal) int {
	group := &group{output: output, ends: make(chan ended), stopping: make(chan struct{})}
	for _, program := range programs {
		go group.launch(program)
	}
	status := 1
	select {
	case number := <-asked:
		output.say("stopping on %v", number)
		status = 0
	case gone := <-group.ends:
		output.say("%s ended: %v", gone.name, gone.err)
	}
	group.stop()
	return status
}

// group is the programs that were started.
type group struct {
	output   *lines
	ends     chan ended
	stopping chan struct{}

	mutex   sync.Mutex
	stopped bool
	running sync.WaitGroup
	started []*exec.Cmd
}

// launch waits for what the program needs, starts it, and reports when it is ready and when it ended.
func (g *group) launch(program Program) {
	if !program.After.wait(g.stopping) {
		return
	}
	command, err := g.start(program)
	if err != nil {
		g.report(ended{program.Name, err})
		return
	}
	if command == nil {
		return
	}
	go func() {
		if program.Ready != nil && program.Ready.wait(g.stopping) {
			g.output.say("%s is ready", program.Name)
		}
	}()
	err = command.Wait()
	g.running.Done()
	if err == nil {
		err = fmt.Errorf("exit status 0")
	}
	g.report(ended{program.Name, err})
}

// start returns nil if everything is being stopped.
func (g *group) start(program Program) (*exec.Cmd, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.stopped {
		return nil, nil
	}
	if len(program.Argv) == 0 {
		return nil, fmt.Errorf("has no command line")
	}
	command := exec.Command(program.Argv[0], program.Argv[1:]...)
	command.Env = os.Environ()
	for name, value := range program.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	// One writer for both makes exec copy them through one pipe, in order.
	command.Stdout = g.output.of(program.Name)
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		return nil, err
	}
	g.output.say("%s was started", program.Name)
	g.running.Add(1)
	g.started = append(g.started, command)
	return command, nil
}

// report tells run of the first end; the later ones are its own doing.
func (g *group) report(end ended) {
	select {
	case g.ends <- end:
	case <-g.stopping:
	}
}

// stop ends everything and returns when nothing runs any more.
func (g *group) stop() {
	g.mutex.Lock()
	g.stopped = true
	g.mutex.Unlock()
	close(g.stopping)
	g.signal(syscall.SIGTERM)
	hurry := time.AfterFunc(grace, func() { g.signal(syscall.SIGKILL) })
	defer hurry.Stop()
	g.running.Wait()
}

func (g *group) signal(number syscall.Signal) {
	for _, command := range g.started {
		// A program that has ended already gives an error, which is as good.
		_ = command.Process.Signal(number)
	}
}
