// SPDX-License-Identifier: Apache-2.0
#include "control_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

#include "dataplane.h"

ControlThread::ControlThread() : wakeFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
	if (wakeFd < 0)
		throw std::system_error(errno, std::generic_category(), "eventfd");
	thread = std::thread([this] { run(); });
}

ControlThread::~ControlThread()
{
	{
		std::lock_guard<std::mutex> lock(mutex);
		ending = true;
	}
	uint64_t one = 1;
	(void)!write(wakeFd, &one, sizeof(one));
	thread.join();
	close(wakeFd);
}

void ControlThread::post(std::function<void()> command)
{
	{
		std::lock_guard<std::mutex> lock(mutex);
		commands.push_back(std::move(command));
	}
	uint64_t one = 1;
	(void)!write(wakeFd, &one, sizeof(one));
}

void ControlThread::setServing(bool value)
{
	serving = value;
}

bool ControlThread::takeCommand(std::function<void()> &command)
{
	std::lock_guard<std::mutex> lock(mutex);
	if (commands.empty())
		return false;
	command = std::move(commands.front());
	commands.pop_front();
	return true;
}

void ControlThread::run()
{
	pthread_setname_np(pthread_self(), "control");
	for (;;) {
		std::function<void()> command;
		while (takeCommand(command))
			command();
		{
			std::lock_guard<std::mutex> lock(mutex);
			if (ending && commands.empty())
				break;
		}
		if (serving) {
			dp_service(wakeFd);
		} else {
			pollfd fd{wakeFd, POLLIN, 0};
			poll(&fd, 1, -1);
		}
		uint64_t count;
		(void)!read(wakeFd, &count, sizeof(count));
	}
	if (serving)
		dp_stop();
}
