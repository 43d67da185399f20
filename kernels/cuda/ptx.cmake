# Device code to PTX, a file for each architecture beside the library; the driver compiles it when a context is made. clang needs no toolkit; nvcc serves where
# it is. Without either the library is built all the same and says what is missing when a GPU is asked for.
find_program(MEGAINFER_CLANG NAMES clang-19 clang-20 clang-21 clang-22)
find_program(MEGAINFER_NVCC NAMES nvcc PATHS /usr/local/cuda/bin)
set(device_code ${CMAKE_CURRENT_SOURCE_DIR}/cuda/kernels.cu)
file(GLOB device_inputs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cuh ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.h)
list(APPEND device_inputs ${device_code} ${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/shapes.h ${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/jobs.h
  ${CMAKE_CURRENT_SOURCE_DIR}/src/exp_constants.h ${CMAKE_CURRENT_SOURCE_DIR}/src/bounds.h ${CMAKE_CURRENT_SOURCE_DIR}/include/mk/mk.h)
set(device_includes -I${CMAKE_CURRENT_SOURCE_DIR}/include -I${CMAKE_CURRENT_SOURCE_DIR}/src -I${CMAKE_CURRENT_SOURCE_DIR}/cuda)

set(ptx_files)
foreach(architecture 80 90a)
  set(ptx ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/megakernels.sm_${architecture}.ptx)
  set(definitions)
  if(architecture STREQUAL 90a)
    set(definitions -DMK_HOPPER)
  endif()
  if(MEGAINFER_CLANG)
    set(compile ${MEGAINFER_CLANG} -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_${architecture} --cuda-feature=+ptx80 -std=c++20 -O3
      -ffp-contract=off -Wall -Wextra -Werror -S)
  elseif(MEGAINFER_NVCC)
    set(compile ${MEGAINFER_NVCC} -x cu -ptx -arch=compute_${architecture} -std=c++20 -O3 -fmad=false)
  else()
    message(STATUS "Device code is left out: neither clang-19 nor nvcc was found (Debian package clang-19)")
    break()
  endif()
  add_custom_command(OUTPUT ${ptx} COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}
    COMMAND ${compile} ${definitions} ${device_includes} -o ${ptx} ${device_code} DEPENDS ${device_inputs} VERBATIM)
  list(APPEND ptx_files ${ptx})
endforeach()
add_custom_target(megakernels_ptx ALL DEPENDS ${ptx_files})
add_dependencies(megakernels megakernels_ptx)
