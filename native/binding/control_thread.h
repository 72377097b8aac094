// SPDX-License-Identifier: Apache-2.0
// The thread that EAL lives on: commands in, promises out. Between commands it runs dp_service().
#ifndef SPILLWAY_CONTROL_THREAD_H
#define SPILLWAY_CONTROL_THREAD_H

#include <deque>
#include <functional>
#include <mutex>
#include <thread>

class ControlThread
{
      public:
	ControlThread();
	// Runs what was posted, stops the data plane if it still runs, and joins.
	~ControlThread();
	ControlThread(const ControlThread &) = delete;
	ControlThread &operator=(const ControlThread &) = delete;

	// Runs `command` on the thread, in the order of the calls. From any thread.
	void post(std::function<void()> command);
	// dp_service() is due between commands from now on, or no longer. On the control thread.
	void setServing(bool serving);

      private:
	void run();
	bool takeCommand(std::function<void()> &command);

	int wakeFd;
	std::mutex mutex; // guards commands and ending
	std::deque<std::function<void()>> commands;
	bool ending = false;
	bool serving = false; // control thread only
	std::thread thread;
};

#endif
