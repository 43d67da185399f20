using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// A tensor of an open checkpoint: row-major host memory, mapped from the file when <see cref="Address"/> is first read. Owned by its
/// <see cref="Checkpoint"/>. Any thread may call, but one thread must not release what another still reads.
/// </summary>
public sealed class CheckpointTensor
{
    private readonly Lock _lock = new();
    private readonly MappedFile _file;
    private readonly SafetensorsEntry _entry;
    private readonly NumberType _storedType;
    private DeviceAddress _address;

    /// <param name="file">Where it is.</param>
    /// <param name="entry">What the file says of it.</param>
    /// <param name="storedType">What its elements are in the file.</param>
    /// <param name="storage">What the model has it for.</param>
    internal CheckpointTensor(MappedFile file, SafetensorsEntry entry, NumberType storedType, TensorStorage storage)
    {
        _file = file;
        _entry = entry;
        _storedType = storedType;
        // The kernels take scales in fp32 only; they are small enough to be widened where they are not.
        NumberType = storage == TensorStorage.Scales ? NumberType.Float32 : storedType;
        Elements = storage == TensorStorage.Exponents ? entry.Bytes : entry.Bytes * 8 / storedType.Bits();
        Bytes = NumberType == storedType ? entry.Bytes : Elements * NumberType.Bytes();
    }

    public string Name => _entry.Name;

    /// <summary>What the elements are. <see cref="NumberType.MxFloat4"/>: bytes with two each, or the exponents of their scales.</summary>
    public NumberType NumberType { get; }

    /// <summary>As stored, outermost dimension first: a matrix is [out features, in features]. Of 4-bit numbers it counts bytes.</summary>
    public ImmutableArray<int> Shape => _entry.Shape;

    public long Bytes { get; }

    public long Elements { get; }

    /// <summary>The scales of an FP8 matrix, one fp32 for each block; null for everything else.</summary>
    public CheckpointTensor? Scales { get; internal init; }

    /// <summary>Where the data lie; mapped on first use, valid until <see cref="Release"/> or the checkpoint is disposed. Read-only memory.</summary>
    public DeviceAddress Address
    {
        get
        {
            lock (_lock)
            {
                if (_address.IsNull)
                    _address = _storedType == NumberType ? _file.Map(_entry.Offset, Bytes) : Widened();
                return _address;
            }
        }
    }

    /// <summary>Length in the file.</summary>
    internal long StoredBytes => _entry.Bytes;

    internal NumberType StoredType => _storedType;

    /// <summary>Gives the pages back, after packing. The address is invalid from then on; reading it again maps anew.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_address.IsNull)
                return;
            if (_storedType == NumberType)
                _file.Unmap(_address);
            else
                Marshal.FreeHGlobal(_address.Value);
            _address = DeviceAddress.Null;
        }
    }

    /// <summary>The whole tensor widened to float32 (exact), without keeping it mapped: for norms, biases and other small things.</summary>
    public float[] ToFloat32()
    {
        float[] result = new float[Elements];
        CopyTo(result);
        return result;
    }

    /// <summary>Widens the whole tensor to float32 (exact) into <paramref name="destination"/> of <see cref="Elements"/> numbers.</summary>
    public void CopyTo(Span<float> destination)
    {
        if (destination.Length != Elements)
            throw new ArgumentException($"{Name} has {Elements} elements, the destination {destination.Length}.", nameof(destination));
        CopyTo(0, destination);
    }

    /// <summary>Widens the elements from <paramref name="first"/> on. FP8 codes are given as the numbers they stand for, without their scales.</summary>
    internal void CopyTo(long first, Span<float> destination)
    {
        const int chunkElements = 32 * 1024;
        int width = _storedType.Bytes();
        byte[] buffer = new byte[Math.Min(destination.Length, chunkElements) * width];
        for (int done = 0; done < destination.Length; done += chunkElements)
        {
            Span<float> part = destination.Slice(done, Math.Min(chunkElements, destination.Length - done));
            Span<byte> bytes = buffer.AsSpan(0, part.Length * width);
            ReadBytes((first + done) * width, bytes);
            Widen(bytes, part);
        }
    }

    /// <summary>Reads part of the file's bytes without mapping.</summary>
    internal void ReadBytes(long offset, Span<byte> destination) => _file.Read(_entry.Offset + offset, destination);

    private DeviceAddress Widened()
    {
        var address = new DeviceAddress(Marshal.AllocHGlobal((nint)Bytes));
        CopyTo(0, address.HostSpan<float>((int)Elements));
        return address;
    }

    private void Widen(ReadOnlySpan<byte> bytes, Span<float> destination)
    {
        switch (_storedType)
        {
            case NumberType.Float32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(destination);
                break;
            case NumberType.BFloat16:
                ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < bits.Length; i++)
                    destination[i] = BFloat16.ToSingle(bits[i]);
                break;
            case NumberType.Float16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < halves.Length; i++)
                    destination[i] = (float)halves[i];
                break;
            case NumberType.Float8E4M3:
                for (int i = 0; i < bytes.Length; i++)
                    destination[i] = SmallFloats.OfE4M3(bytes[i]);
                break;
            default:
                throw new InvalidOperationException($"{Name} cannot be widened by itself: its numbers are {_storedType}.");
        }
    }
}
